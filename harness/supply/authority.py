"""The certificates that are trusted beside the well-known ones: a company's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssl import SSLContext

VARIABLE = "DEPLOY_CA_BUNDLE"
_VARIABLES = (
    VARIABLE,
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
)


def ca_bundle(environ: Mapping[str, str]) -> Path | None:
    """Return the CA bundle that the environment tells tools to use, if it exists."""
    named = (environ.get(name) for name in _VARIABLES)
    return next((Path(path) for path in named if path and Path(path).is_file()), None)


def trust(environ: Mapping[str, str]) -> SSLContext:
    """Return what a TLS client trusts: the well-known authorities, this system's, the bundle's.

    Raises:
        ssl.SSLError: the bundle holds no certificate.

    """
    import httpx

    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    if bundle := ca_bundle(environ):
        context.load_verify_locations(bundle)
    return context


def for_programs(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that make Go, npm, pip and uv trust the bundle a person named.

    Those that the environment has already stay as they are.
    """
    bundle = environ.get(VARIABLE)
    if not bundle:
        return {}
    return {name: bundle for name in _VARIABLES if name != VARIABLE and not environ.get(name)}
