"""Objects of a manifest as they may be shown: without what is secret in them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any

from harness.helm.values import sounds_secret


class Mask:
    """Hides what Secrets hold, and what others hold under a name that sounds secret.

    That two values differ can still be seen: each is shown by its length and a mark.

    Args:
        key: makes the marks; by default another each time. Nobody without it can try out what
            a value may be.

    """

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(16)

    @property
    def name(self) -> str:
        """What tells this key from others."""
        return self._mark("the name of this key", 12)

    def __call__(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return an object with its secrets hidden; it is not changed itself."""
        kind = body.get("kind")
        shown: dict[str, Any] = self._without(body)
        if kind not in ("Secret", "ConfigMap"):
            return shown
        return shown | {
            part: {
                name: self._hidden(value) if kind == "Secret" or sounds_secret(name) else value
                for name, value in (body.get(part) or {}).items()
            }
            for part in ("data", "stringData", "binaryData")
            if part in body
        }

    def _without(self, part: Any) -> Any:
        """Return a part without the values of variables that sound secret."""
        if isinstance(part, list):
            return [self._without(item) for item in part]
        if not isinstance(part, dict):
            return part
        shown = {key: self._without(value) for key, value in part.items()}
        if shown.keys() == {"name", "value"} and sounds_secret(str(part["name"])):
            shown["value"] = self._hidden(part["value"])
        return shown

    def _hidden(self, value: object) -> str:
        return f"{len(str(value))} characters, hidden ({self._mark(str(value), 6)})"

    def _mark(self, text: str, digits: int) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()[:digits]
