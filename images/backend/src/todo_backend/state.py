"""What lives as long as the server process."""

from __future__ import annotations

import socket
import threading
import time
from importlib.metadata import version

from anyio import CapacityLimiter

from todo_backend.auth import TokenVerifier
from todo_backend.cohere_api import AiReport, CohereApi
from todo_backend.connection import BoundedConnection, connector
from todo_backend.db import make_engine
from todo_backend.health import DatabaseMonitor
from todo_backend.settings import Settings
from todo_backend.tasks import TaskStore

CHATS_AT_ONCE = 8

AI_CHECK_AFTER_S = 30.0
"""A process that never gets ready looks at Cohere after this time all the same."""


class State:
    """The process's long-lived objects; nothing here connects before it is used."""

    def __init__(self, settings: Settings) -> None:
        self.version = version("todo-backend")
        self.pod = socket.gethostname()
        self.was_ready = False
        connect = connector(settings.database_url.get_secret_value(), BoundedConnection)
        self.engine = make_engine(connect)
        self.store = TaskStore(self.engine)
        self.database = DatabaseMonitor(self.engine, connect)
        self.verifier = TokenVerifier(settings.better_auth_secret.get_secret_value())
        self.cohere = CohereApi(
            settings.cohere_api_key.get_secret_value(),
            settings.cohere_model,
            settings.cohere_base_url,
        )
        self.chats = CapacityLimiter(CHATS_AT_ONCE)
        self._born = time.monotonic()
        self._check: threading.Thread | None = None

    def ai_report(self) -> AiReport:
        """Return what is known of Cohere; look again in the background when that is old.

        The first look loads the client: it waits until start-up is over.
        """
        report = self.cohere.report
        settled = self.was_ready or time.monotonic() - self._born > AI_CHECK_AFTER_S
        running = self._check is not None and self._check.is_alive()
        if report.stale and settled and not running:
            # A daemon: a slow vendor must not hold up the end of the process.
            self._check = threading.Thread(target=self.cohere.check, name="ai-check", daemon=True)
            self._check.start()
        return report

    def close(self) -> None:
        """Close all idle connections."""
        self.cohere.close()
        self.database.close()
        self.engine.dispose()
