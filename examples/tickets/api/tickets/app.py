"""The server: tickets are opened, listed and closed."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from psycopg import Error
from psycopg_pool import PoolTimeout
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tickets.database import pool

LONGEST = 200


async def live(_request: Request) -> JSONResponse:
    """Say that the process serves."""
    return JSONResponse({"status": "ok"})


async def ready(_request: Request) -> JSONResponse:
    """Ask the database, and say what came of it."""
    try:
        async with pool.connection() as connection:
            await connection.execute("SELECT 1")
    except (Error, PoolTimeout) as error:
        return JSONResponse({"status": "not ready", "error": type(error).__name__}, 503)
    return JSONResponse({"status": "ready"})


async def listed(_request: Request) -> JSONResponse:
    """Return all tickets that are open."""
    async with pool.connection() as connection:
        found = await connection.execute("SELECT id, subject FROM tickets WHERE NOT closed")
        return JSONResponse(await found.fetchall())


async def opened(request: Request) -> JSONResponse:
    """Open a ticket."""
    try:
        subject = (await request.json())["subject"].strip()
    except (ValueError, KeyError, TypeError, AttributeError):
        raise HTTPException(422, "a subject is needed") from None
    if not 0 < len(subject) <= LONGEST:
        raise HTTPException(422, f"a subject has 1 to {LONGEST} characters")
    async with pool.connection() as connection:
        made = await connection.execute(
            "INSERT INTO tickets (subject) VALUES (%s) RETURNING id, subject", [subject]
        )
        return JSONResponse(await made.fetchone(), 201)


async def closed(request: Request) -> Response:
    """Close a ticket."""
    async with pool.connection() as connection:
        done = await connection.execute(
            "UPDATE tickets SET closed = true WHERE id = %s", [request.path_params["id"]]
        )
    return Response(status_code=204 if done.rowcount else 404)


@contextlib.asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    """Open the pool while the server runs; a database that is away does not keep it from that."""
    await pool.open()
    yield
    await pool.close()


app = Starlette(
    routes=[
        Route("/livez", live),
        Route("/readyz", ready),
        Route("/api/tickets", listed),
        Route("/api/tickets", opened, methods=["POST"]),
        Route("/api/tickets/{id:int}", closed, methods=["DELETE"]),
    ],
    lifespan=lifespan,
)
