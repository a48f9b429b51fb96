"""The API of a poll: who wants what, counted."""

import os

from flask import Flask, jsonify, request
from itsdangerous import BadSignature, Signer
from sqlalchemy import create_engine, text

DATABASE_URL = os.environ.get("DATABASE_URL", "sqlite:////tmp/polls.db")
SECRET_KEY = os.environ.get("SECRET_KEY", "polls-dev-secret-key")
CHOICES = ("tea", "coffee", "water")

app = Flask(__name__)
engine = create_engine(DATABASE_URL, pool_pre_ping=True)
signer = Signer(SECRET_KEY)


def database_answers() -> bool:
    """Ask the database."""
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except Exception:
        return False
    return True


@app.get("/health")
def health():
    """Tell whether the API can count."""
    if not database_answers():
        return jsonify(status="unhealthy", database="unreachable"), 503
    return jsonify(status="healthy", database="connected")


@app.get("/api/polls")
def counted():
    """Return how many want what."""
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT choice, count(*) FROM votes GROUP BY choice"))
        found = dict(rows.all())
    return jsonify({choice: found.get(choice, 0) for choice in CHOICES})


@app.post("/api/polls")
def vote():
    """Count a voice; the token that comes back is what it can be taken back with."""
    choice = (request.get_json(silent=True) or {}).get("choice")
    if choice not in CHOICES:
        return jsonify(error=f"choose one of {', '.join(CHOICES)}"), 422
    with engine.begin() as connection:
        made = connection.execute(
            text("INSERT INTO votes (choice) VALUES (:choice) RETURNING id"), {"choice": choice}
        )
        number = made.scalar_one()
    return jsonify(token=signer.sign(str(number)).decode()), 201


@app.delete("/api/polls/<token>")
def take_back(token):
    """Take a voice back."""
    try:
        number = int(signer.unsign(token))
    except BadSignature:
        return jsonify(error="not one of our tokens"), 403
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM votes WHERE id = :id"), {"id": number})
    return "", 204


if __name__ == "__main__":
    with engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE IF NOT EXISTS votes (id serial PRIMARY KEY, choice text NOT NULL)")
        )
    app.run(port=5000)
