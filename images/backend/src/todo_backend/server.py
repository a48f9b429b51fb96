"""`serve`: the API behind uvicorn, until SIGTERM."""

from __future__ import annotations

import gc
import logging
import os
import sys

import uvicorn

from todo_backend.app import create_app
from todo_backend.settings import Settings
from todo_backend.state import State

STOP_WITHIN_S = 6
"""Requests in flight get this long after SIGTERM."""

KEEP_ALIVE_S = 75
"""Longer than the proxies and clients in front keep idle connections: they close first."""

logger = logging.getLogger(__name__)


def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; return 0 after a clean stop.

    Raises:
        SystemExit: it never started: the port is taken (3), or a signal came first (128 + number).

    """
    app = create_app(State(settings))
    gc.freeze()
    gc.enable()  # `main` switched it off for the imports
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        loop="asyncio",
        http="h11",
        ws="none",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_WITHIN_S,
    )
    server = uvicorn.Server(config)
    try:
        server.run()
    except SystemExit:
        if not server.started:
            raise
        # uvicorn has stopped in order and repeats the signal that asked for it.
    logger.info("stopped")
    sys.stdout.flush()
    # A thread may still wait for a silent database; the interpreter would join it.
    os._exit(0)
