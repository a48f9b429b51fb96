"""The commands: `serve` (the API) and `migrate` (the schema)."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType

from todo_backend import logs
from todo_backend.settings import EX_CONFIG, DatabaseSettings, Settings, SettingsError, load

logger = logging.getLogger("todo_backend")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; 78 when the configuration is wrong."""
    parser = argparse.ArgumentParser(prog="todo-backend", description=__doc__)
    parser.add_argument("command", choices=("serve", "migrate"), nargs="?", default="serve")
    kind = Settings if parser.parse_args(arguments).command == "serve" else DatabaseSettings
    try:
        settings = load(kind, os.environ)
    except SettingsError as error:
        sys.stderr.write(f"todo-backend: configuration error: {error}\n")
        return EX_CONFIG
    logs.configure(settings.log_level, settings.secrets())
    if isinstance(settings, Settings):
        # Nothing that the imports build is garbage: looking for some costs a tenth of the start.
        gc.disable()
        # Imported here: `migrate` has no use for the web framework.
        from todo_backend.server import serve

        return serve(settings)
    return _migrate(settings)


def _migrate(settings: DatabaseSettings) -> int:
    from todo_backend.migrate import MigrationError, migrate

    try:
        migrate(settings.database_url.get_secret_value(), threading.Event())
    except MigrationError as error:
        logger.error("migration failed: %s", error)
        return 1
    return 0


def _stop(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    # As the first process of a container, nothing but a handler of our own ends us.
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    sys.exit(main())
