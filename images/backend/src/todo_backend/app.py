"""The ASGI application: the routes and the error answers."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp

from todo_backend.causes import explain
from todo_backend.cohere_api import CohereError
from todo_backend.db import is_outage
from todo_backend.envelope import Envelope
from todo_backend.routes import api, probes
from todo_backend.state import State
from todo_backend.tasks import TaskNotFoundError

logger = logging.getLogger(__name__)


def create_app(state: State) -> ASGIApp:
    """Return the application; connects to nothing yet."""
    app = FastAPI(
        title="Todo backend",
        version=state.version,
        docs_url=None,  # their scripts come from elsewhere; /openapi.json stays
        redoc_url=None,
    )
    app.state.todo = state
    app.include_router(probes)
    app.include_router(api)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(TaskNotFoundError, _not_found)
    app.add_exception_handler(CohereError, _cohere)
    app.add_exception_handler(SQLAlchemyError, _database)
    app.add_exception_handler(Exception, _unexpected)
    return Envelope(app, state.pod)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    # Without `input`: it may hold text that no JSON can carry, and is the caller's own anyway.
    assert isinstance(error, RequestValidationError)
    detail = [{key: item[key] for key in ("loc", "msg", "type")} for item in error.errors()]
    return JSONResponse({"detail": detail}, 422)


async def _not_found(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 404)


async def _cohere(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, CohereError)
    return JSONResponse({"detail": str(error)}, error.http_status)


async def _database(_: Request, error: Exception) -> JSONResponse:
    if not is_outage(error):
        raise error
    detail = explain(error)
    logger.warning("database: %s", detail)
    return JSONResponse({"detail": detail}, 503, {"Retry-After": "2"})


async def _unexpected(_: Request, __: Exception) -> JSONResponse:
    # Starlette raises the error again after this answer: `Envelope` logs it.
    return JSONResponse({"detail": "internal error"}, 500)
