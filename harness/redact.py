"""Secrets, taken out of every text that leaves the harness."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from urllib.parse import quote, unquote, urlsplit

MASK = "[redacted]"
_MIN_LENGTH = 6  # shorter values would mask ordinary words
_URL_PASSWORD = re.compile(r"(?i)(?P<head>\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@/]+(?=@)")
_BEARER = re.compile(r"(?i)(?P<head>\bBearer\s+)[A-Za-z0-9._~+/=-]{8,}")


class Redactor:
    """Replaces known secret values, passwords in URLs and bearer tokens by a mask.

    A secret is also found in its base64 and percent-encoded forms; of a URL the
    password alone is a secret too.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._values: set[str] = set()
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        """Learn further secret values; empty and very short ones are ignored."""
        for secret in secrets:
            for value in {secret, _password_of(secret)}:
                if value and len(value) >= _MIN_LENGTH:
                    self._values |= {value, quote(value, safe=""), *_base64_forms(value)}

    def __call__(self, text: str) -> str:
        """Return the text without the secrets."""
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, MASK)
        text = _URL_PASSWORD.sub(lambda m: m["head"] + MASK, text)
        return _BEARER.sub(lambda m: m["head"] + MASK, text)


def _password_of(text: str) -> str:
    if "://" not in text:
        return ""
    try:
        return unquote(urlsplit(text).password or "")
    except ValueError:
        return ""


def _base64_forms(value: str) -> set[str]:
    raw = value.encode()
    return {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
