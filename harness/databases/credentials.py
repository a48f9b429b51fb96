"""The passwords of our own database, kept so that a later run can adopt it."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.cache import Cache
from harness.files import write_whole

_BYTES = 24


@dataclass(frozen=True)
class Credentials:
    """Passwords of the administrator and of the application's role."""

    role: str
    admin_password: str = field(repr=False)
    role_password: str = field(repr=False)

    @classmethod
    def of(cls, cache: Cache, cluster: str) -> Credentials:
        """Return a cluster's credentials; random ones are made at the first time.

        The file can be read by its owner alone. A damaged one is made anew, so that
        the database is too.
        """
        file = cache.root / "databases" / f"{cluster}.json"
        with cache.lock(f"credentials-{cluster}"):
            try:
                return cls(**json.loads(file.read_text(encoding="utf-8")))
            except (FileNotFoundError, ValueError, TypeError):
                made = cls("app", secrets.token_urlsafe(_BYTES), secrets.token_urlsafe(_BYTES))
                write_private(file, json.dumps(asdict(made)))
                return made

    @property
    def secrets(self) -> tuple[str, str]:
        """Return the values to keep out of logs and errors."""
        return (self.admin_password, self.role_password)


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_whole(file, text, 0o600)
