"""The server: `GET /convert?amount=3&from=km&to=mi`."""

from __future__ import annotations

import os

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

from units.conversion import UNITS, convert

DIGITS = int(os.environ.get("UNITS_DIGITS", "6"))

app = Flask(__name__)


@app.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Say that the process serves."""
    return jsonify(status="ok")


@app.get("/")
def index() -> ResponseReturnValue:
    """List the units."""
    return jsonify({quantity: sorted(units) for quantity, units in UNITS.items()})


@app.get("/convert")
def converted() -> ResponseReturnValue:
    """Convert an amount."""
    wanted = {name: request.args.get(name, "") for name in ("amount", "from", "to")}
    missing = [name for name, text in wanted.items() if not text]
    if missing:
        return jsonify(error=f"missing: {', '.join(missing)}"), 400
    try:
        amount = convert(wanted["amount"], wanted["from"], wanted["to"], DIGITS)
    except ValueError as error:
        return jsonify(error=str(error)), 422
    return jsonify(amount=f"{amount:f}", unit=wanted["to"])
