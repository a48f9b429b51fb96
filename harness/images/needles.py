"""Byte strings that must be nowhere in an image: secrets, and a private authority."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from harness.redact import password_of

_CHUNK = 1 << 20
_MIN_LENGTH = 6  # shorter values would be found by accident
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_SIGNATURE = 64  # bytes at a certificate's end: part of its signature, hence unique
_PEM_LINE = 64  # characters of a full line
_DISTRIBUTION = (Path("/usr/share/ca-certificates"), Path("/usr/share/pki/ca-trust-source"))


class Readable(Protocol):
    """Anything to read bytes from."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none at the end."""


@dataclass(frozen=True)
class Needle:
    """A value to look for. `label` names it without showing it, `form` its encoding."""

    label: str
    form: str
    value: bytes


def secret_needles(secrets: Mapping[str, str]) -> tuple[Needle, ...]:
    """Return all forms of named secret values: as they are, percent-encoded, base64.

    Base64 is looked for at all three alignments, so that a secret is found inside a
    larger encoded text too. Of a URL, the password is a secret by itself.
    """
    found: dict[bytes, Needle] = {}
    for label, secret in secrets.items():
        values = {label: secret, f"{label} (its password)": password_of(secret)}
        for name, value in values.items():
            if len(value) < _MIN_LENGTH:
                continue
            forms = {"plain": value.encode(), "percent-encoded": quote(value, safe="").encode()}
            for form, raw in forms.items():
                found.setdefault(raw, Needle(name, form, raw))
            for raw in _base64_forms(value.encode()):
                found.setdefault(raw, Needle(name, "base64", raw))
    return tuple(found.values())


def authority_needles(bundle: Path, public: Iterable[Path] | None = None) -> tuple[Needle, ...]:
    """Return what identifies the private certificates of a host's CA bundle.

    Private is what no public collection has: public authorities come with every base
    image and are no one's secret. A certificate is found as PEM and as DER.

    Args:
        bundle: the host's bundle.
        public: files and folders of public certificates; by default certifi's and those
            that distributions keep apart from what an administrator added.

    """
    if public is None:
        import certifi

        public = (Path(certifi.where()), *_DISTRIBUTION)
    known = {der for path in public for file in _files(path) for der in _certificates(file)}
    found = []
    for der in _certificates(bundle):
        if der in known:
            continue
        label = f"{_subject(der)} of {bundle}"
        lines = ssl.DER_cert_to_PEM_cert(der).splitlines()[1:-1]
        full = [line for line in lines if len(line) == _PEM_LINE]
        found.append(Needle(label, "DER", der[-_SIGNATURE:]))
        found += [Needle(label, "PEM", line.encode()) for line in full[-1:]]
    return tuple(found)


def find(content: Readable, needles: tuple[Needle, ...]) -> set[Needle]:
    """Return the needles that occur in a stream, read piece by piece."""
    missing, found = set(needles), set[Needle]()
    overlap = max((len(needle.value) for needle in needles), default=1) - 1
    window = b""
    while missing and (piece := content.read(_CHUNK)):
        window += piece
        hits = {needle for needle in missing if needle.value in window}
        found |= hits
        missing -= hits
        window = window[-overlap:] if overlap else b""
    return found


def _certificates(bundle: Path) -> list[bytes]:
    text = bundle.read_text(encoding="utf-8", errors="replace")
    found = []
    for part in text.split(_BEGIN)[1:]:
        body = part.split(_END)[0]
        try:
            found.append(base64.b64decode("".join(body.split()), validate=True))
        except ValueError:
            continue  # a damaged entry identifies nothing
    return found


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [p for p in path.rglob("*.crt") if p.is_file()]


def _subject(der: bytes) -> str:
    from cryptography import x509

    try:
        return x509.load_der_x509_certificate(der).subject.rfc4514_string() or "an authority"
    except ValueError:
        return "an authority"


def _base64_forms(value: bytes) -> set[bytes]:
    """Return the parts of base64 text that do not depend on what stands around the value."""
    forms = {base64.b64encode(value), base64.urlsafe_b64encode(value)}
    for shift in range(3):
        padded = b"\0" * shift + value
        start = -(-shift * 4 // 3)  # first digit made of the value's bits alone
        whole = len(padded) * 8 // 6  # digits made of nothing that follows
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            core = encode(padded)[start:whole]
            if len(core) >= _MIN_LENGTH:
                forms.add(core)
    return {form for form in forms if not _contains_shorter(form, forms)}


def _contains_shorter(form: bytes, forms: set[bytes]) -> bool:
    return any(other != form and other in form for other in forms)
