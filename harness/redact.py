"""Secrets, taken out of every text that leaves the harness."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus, unquote, urlsplit

MASK = "[redacted]"
_MIN_LENGTH = 6  # shorter values would mask ordinary words
_MIN_ENCODED = 7  # characters of base64 that still say something of what is in them
# To the last @, since a password may hold one.
_URL_PASSWORD = re.compile(r"(?i)(?P<head>\b[a-z][a-z0-9+.-]{0,30}://[^\s:/@]*:)[^\s/]+(?=@)")
_BEARER = re.compile(r"(?i)(?P<head>\bBearer\s+)[A-Za-z0-9._~+/=-]{8,}")
_BASIC = re.compile(r"(?i)(?P<head>\bAuthorization\W{1,4}Basic\s+)[A-Za-z0-9+/=]{4,}")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]*")
_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?P<kind>[A-Z ]*PRIVATE KEY)-----.*?(?:-----END (?P=kind)-----|\Z)", re.DOTALL
)
# What is assigned to a name that ends as one that sounds secret: in environments, queries and
# DSNs. What comes before is left out: looked for, it takes minutes in a long line.
_ASSIGNED = re.compile(
    r"(?i)(?P<head>(?:passw(?:or)?d|secret|token|api[_-]?key)=)(?!\[redacted)[^\s&;,'\"]{3,}"
)


class Redactor:
    """Replaces known secret values, passwords in URLs, tokens and private keys by a mask.

    A secret is also found in its percent-encoded and JSON-escaped forms, in base64, also
    as a part of something longer, and in each longer line of it; of a URL the password
    alone is a secret too. Safe to use from several threads.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self._forms: tuple[str, ...] = ()
        self._lock = threading.Lock()
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        """Learn further secret values; empty and very short ones are ignored."""
        with self._lock:
            values = {value for secret in secrets for value in _values(secret)} - self._known
            if not values:
                return
            self._known |= values
            forms = {*self._forms, *(form for value in values for form in _forms(value))}
            self._forms = tuple(sorted(forms, key=len, reverse=True))

    def __call__(self, text: str) -> str:
        """Return the text without the secrets."""
        for form in self._forms:  # faster than one long alternation
            text = text.replace(form, MASK)
        text = _PRIVATE_KEY.sub(MASK, text)
        for headed in (_URL_PASSWORD, _BEARER, _BASIC, _ASSIGNED):
            text = headed.sub(lambda found: found["head"] + MASK, text)
        return _JWT.sub(MASK, text)


def _values(secret: str) -> Iterator[str]:
    """Yield what of a secret is secret by itself."""
    lines = secret.splitlines() if "\n" in secret else []
    for value in (secret, secret.strip(), password_of(secret), *map(str.strip, lines)):
        if len(value) >= _MIN_LENGTH and not (value in lines and value.startswith("-----")):
            yield value


def password_of(text: str) -> str:
    """Return the password in a URL, "" when a text has none."""
    if "://" not in text:
        return ""
    try:
        return unquote(urlsplit(text).password or "")
    except ValueError:
        return ""


def _forms(value: str) -> Iterator[str]:
    """Yield how a value may be written."""
    yield value
    for encoded in (quote(value, safe=""), quote(value), quote_plus(value)):
        yield encoded
        yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), encoded)
    for ascii_only in (True, False):
        yield json.dumps(value, ensure_ascii=ascii_only)[1:-1]
    yield from _base64_forms(value.encode())


def _base64_forms(raw: bytes) -> Iterator[str]:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(raw).decode()
        for before in range(3):  # within something longer it begins in one of three places
            text = encode(bytes(before) + raw).decode()
            whole = (before + len(raw)) * 8 // 6  # characters that depend on nothing behind it
            inner = text[-(-before * 8 // 6) : whole]
            if len(inner) >= _MIN_ENCODED:
                yield inner
