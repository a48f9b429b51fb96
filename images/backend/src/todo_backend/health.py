"""The truth about the database, without ever waiting long for it."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from todo_backend import schema
from todo_backend.causes import explain
from todo_backend.db import Connect

READY_WAIT_S = 1.5
HEALTH_WAIT_S = 0.3
FRESH_S = 0.5
REMEMBER_S = 5.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DatabaseReport:
    """What one look at the database showed."""

    status: Literal["connected", "unreachable", "unknown"]
    detail: str
    ready: bool = False

    def as_dict(self) -> dict[str, str]:
        """Return the part that `/health` shows."""
        return {"status": self.status, "detail": self.detail}


_NOT_YET = DatabaseReport("unknown", f"the database has not answered within {HEALTH_WAIT_S} s")


class DatabaseMonitor:
    """Looks at the database through the same pool that requests use, one look at a time.

    A look runs in a thread of its own, so that a silent database blocks nobody: who asks waits a
    bounded time and then hears that there is no answer.
    """

    def __init__(self, engine: Engine, connect: Connect) -> None:
        self._engine = engine
        self._connect = connect
        self._thread = ThreadPoolExecutor(1, "database-monitor")
        self._look: asyncio.Future[DatabaseReport] | None = None
        self._started = 0.0
        self._last = _NOT_YET
        self._last_at = float("-inf")

    async def ready(self) -> DatabaseReport:
        """Return whether the database can serve now, after at most `READY_WAIT_S` seconds."""
        return await self._report(READY_WAIT_S)

    async def health(self) -> DatabaseReport:
        """Return what is known after at most `HEALTH_WAIT_S` seconds."""
        return await self._report(HEALTH_WAIT_S)

    async def _report(self, wait: float) -> DatabaseReport:
        if time.monotonic() - self._last_at < FRESH_S:
            return self._last
        look = self._start()
        await asyncio.wait({look}, timeout=wait)
        if look.done():
            return look.result()
        silent = time.monotonic() - self._started
        if silent < READY_WAIT_S:  # slow, but no proof of an outage
            known = time.monotonic() - self._last_at < REMEMBER_S
            return self._last if known else _NOT_YET
        return self._note(
            DatabaseReport("unreachable", f"the database has not answered for {silent:.1f} s")
        )

    def _start(self) -> asyncio.Future[DatabaseReport]:
        if self._look is None or self._look.done():
            self._started = time.monotonic()
            loop = asyncio.get_running_loop()
            self._look = loop.run_in_executor(self._thread, self._query)
            self._look.add_done_callback(self._finished)
        return self._look

    def _finished(self, look: asyncio.Future[DatabaseReport]) -> None:
        if not look.cancelled() and look.exception() is None:
            self._last_at = time.monotonic()
            self._note(look.result())

    def _note(self, report: DatabaseReport) -> DatabaseReport:
        if report.status != self._last.status or report.ready != self._last.ready:
            level = logging.INFO if report.ready else logging.WARNING
            logger.log(level, "database %s: %s", report.status, report.detail)
        self._last = report
        return report

    def _query(self) -> DatabaseReport:
        try:
            with self._engine.connect() as connection:
                revision = connection.exec_driver_sql(schema.CURRENT_REVISION).scalar()
        except ProgrammingError as error:
            if not isinstance(error.orig, psycopg.errors.UndefinedTable):
                return DatabaseReport("unreachable", explain(error))
            revision = None
        except PoolTimeoutError as error:
            return self._full(error)
        except SQLAlchemyError as error:
            return DatabaseReport("unreachable", explain(error))
        except Exception as error:  # whatever it is: liveness must not depend on the database
            logger.exception("unexpected failure of a look at the database")
            return DatabaseReport("unreachable", explain(error))
        if problem := schema.problem(revision):
            return DatabaseReport("connected", problem)
        return DatabaseReport("connected", f"schema revision {revision}", ready=True)

    def _full(self, error: PoolTimeoutError) -> DatabaseReport:
        """Find out why no connection is free: a silent database, or very many requests."""
        try:
            self._connect().close()
        except psycopg.Error as cause:
            return DatabaseReport("unreachable", explain(cause))
        return DatabaseReport("connected", explain(error))

    def close(self) -> None:
        """End the thread, after the look that it is at."""
        self._thread.shutdown()
