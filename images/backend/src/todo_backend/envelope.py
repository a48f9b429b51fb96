"""What every request passes: a size limit, the pod's name on the response, a line in the log."""

from __future__ import annotations

import logging
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 1024 * 1024
_TOO_LARGE = f"the body is larger than {MAX_BODY_BYTES} bytes"
PROBES = ("/health", "/ready")

logger = logging.getLogger(__name__)


class Envelope:
    """ASGI middleware around the whole application, its error answers included."""

    def __init__(self, app: ASGIApp, pod: str) -> None:
        self._app = app
        self._pod = pod

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0
        received = 0

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Backend-Pod"] = self._pod
            await send(message)

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY_BYTES:
                raise HTTPException(413, _TOO_LARGE)
            return message

        try:
            if _declared_length(scope) > MAX_BODY_BYTES:
                await JSONResponse({"detail": _TOO_LARGE}, 413)(scope, receive, named)
            else:
                await self._app(scope, limited, named)
        except Exception:
            logger.exception("request failed")
            if not status:
                raise
        finally:
            level = logging.DEBUG if scope["path"] in PROBES else logging.INFO
            took = round((time.perf_counter() - started) * 1000, 1)
            line = "%s %s %d"
            logger.log(level, line, scope["method"], scope["path"], status, extra={"ms": took})


def _declared_length(scope: Scope) -> int:
    text = Headers(scope=scope).get("content-length", "")
    return int(text) if text.isdecimal() else 0
