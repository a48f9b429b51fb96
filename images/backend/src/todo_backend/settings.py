"""Configuration: environment variables in, one frozen and checked object out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)

EX_CONFIG = 78
"""Exit code for wrong configuration (`sysexits.h`)."""

_SCHEMES = ("postgres", "postgresql")


class SettingsError(Exception):
    """A setting is missing or unusable; the message names each one, and no value."""


def _postgres_url(value: SecretStr) -> SecretStr:
    """Return the URL as libpq takes it; never quote it in an error, it holds a password."""
    url = value.get_secret_value()
    scheme, separator, rest = url.partition("://")
    scheme = scheme.partition("+")[0]  # SQLAlchemy's `postgresql+psycopg://` means the same
    if not separator or scheme not in _SCHEMES:
        raise ValueError("must start with postgresql:// or postgres://")
    url = f"{scheme}://{rest}"
    try:
        urlsplit(url).port  # noqa: B018 - a property that raises on a wrong port
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        # Of libpq's messages only this one quotes no other part of the URL.
        unknown = re.search(r'invalid URI query parameter: "[\w.]+"', str(error))
        raise ValueError(unknown[0] if unknown else "is not a URL that libpq can read") from None
    except ValueError:
        raise ValueError("has a host or port that cannot be read") from None
    if not parts.get("dbname"):
        raise ValueError("names no database (postgresql://user:password@host:port/DATABASE)")
    return SecretStr(url)


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an http:// or https:// URL")
    return value.rstrip("/")


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


LogLevel = Annotated[
    Literal["debug", "info", "warning", "error", "critical"], BeforeValidator(_lower)
]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_postgres_url)]


class DatabaseSettings(BaseModel):
    """What `migrate` needs: the database, and nothing else."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    database_url: DatabaseUrl
    log_level: LogLevel = "info"

    def secrets(self) -> tuple[str, ...]:
        """Return the texts that must never be printed."""
        url = self.database_url.get_secret_value()
        password = urlsplit(url).password or ""
        return tuple(text for text in (url, password, unquote(password)) if text)


class Settings(DatabaseSettings):
    """What `serve` needs."""

    better_auth_secret: Annotated[SecretStr, Field(min_length=32)]
    cohere_api_key: Annotated[SecretStr, Field(min_length=1)]
    cohere_base_url: Annotated[str, AfterValidator(_http_url)] | None = None
    cohere_model: str = "command-a-03-2025"
    host: str = "0.0.0.0"  # noqa: S104 - a container answers on its pod's address
    port: Annotated[int, Field(ge=1, le=65535)] = 8000

    def secrets(self) -> tuple[str, ...]:
        """Return the texts that must never be printed."""
        own = (self.better_auth_secret.get_secret_value(), self.cohere_api_key.get_secret_value())
        return (*super().secrets(), *own)


def load[S: DatabaseSettings](kind: type[S], environ: Mapping[str, str]) -> S:
    """Read `kind` from `environ`; an empty variable counts as missing.

    Raises:
        SettingsError: with one line that names every variable that is missing or wrong.

    """
    given = {name: environ.get(name.upper(), "").strip() for name in kind.model_fields}
    try:
        return kind.model_validate({name: text for name, text in given.items() if text})
    except ValidationError as error:
        problems = [
            f"{str(item['loc'][0]).upper()} {_reason(item['type'], item['msg'])}"
            for item in error.errors(include_url=False, include_input=False)
        ]
        raise SettingsError("; ".join(problems)) from None


def _reason(kind: str, message: str) -> str:
    if kind == "missing":
        return "is not set"
    if kind in ("too_short", "string_too_short"):
        return "is too short: at least 32 characters are required"
    if kind.startswith("int_"):
        return "is not a whole number"
    return message.removeprefix("Value error, ").removeprefix("Input ")
