"""Configuration: what is accepted, and how a mistake is named."""

from __future__ import annotations

import pytest

from conftest import environment
from todo_backend.settings import DatabaseSettings, Settings, SettingsError, load

URL = "postgresql://user:pass%40word@db.example:5433/todo"


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (URL, URL),
        ("postgres://u:p@h/d", "postgres://u:p@h/d"),
        ("postgresql+psycopg://u:p@h/d", "postgresql://u:p@h/d"),
        (
            "postgresql://u:p@ep-cool-1.eu.example/neondb?sslmode=require&channel_binding=require",
            "postgresql://u:p@ep-cool-1.eu.example/neondb?sslmode=require&channel_binding=require",
        ),
    ],
)
def test_database_urls_that_people_have_work(given: str, taken: str) -> None:
    settings = load(DatabaseSettings, {"DATABASE_URL": given})
    assert settings.database_url.get_secret_value() == taken


def test_the_defaults() -> None:
    settings = load(Settings, environment(URL))
    assert (settings.host, settings.port, settings.log_level) == ("0.0.0.0", 8000, "info")
    assert settings.cohere_model == "command-a-03-2025"
    assert settings.cohere_base_url is None


def test_an_empty_variable_is_no_value() -> None:
    settings = load(Settings, environment(URL) | {"COHERE_MODEL": "", "COHERE_BASE_URL": " "})
    assert settings.cohere_model == "command-a-03-2025"
    assert settings.cohere_base_url is None


@pytest.mark.parametrize("name", ["DATABASE_URL", "BETTER_AUTH_SECRET", "COHERE_API_KEY"])
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} is not set$"):
        load(Settings, environment(URL) | {name: ""})


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("DATABASE_URL", "mysql://u:hidden@h/d", "must start with postgresql://"),
        ("DATABASE_URL", "hidden", "must start with postgresql://"),
        ("DATABASE_URL", "postgresql://u:hidden@h:99x/d", "host or port that cannot be read"),
        ("DATABASE_URL", "postgresql://u:hidden%zz@h/d", "not a URL that libpq can read"),
        ("DATABASE_URL", "postgresql://u:hidden@h/d?schema=public", 'parameter: "schema"'),
        ("DATABASE_URL", "postgresql://u:hidden@h", "names no database"),
        ("BETTER_AUTH_SECRET", "hidden", "at least 32 characters"),
        ("COHERE_BASE_URL", "hidden.example", "must be an http:// or https:// URL"),
        ("LOG_LEVEL", "hidden", "should be 'debug', 'info'"),
        ("PORT", "hidden", "is not a whole number"),
        ("PORT", "70000", "less than or equal to 65535"),
    ],
)
def test_a_wrong_value_is_named_but_not_shown(name: str, value: str, reason: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(Settings, environment(URL) | {name: value})
    text = str(caught.value)
    assert text.startswith(f"{name} ")
    assert reason in text
    assert "hidden" not in text


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load(Settings, {"PORT": "x"})
    for name in ("DATABASE_URL", "BETTER_AUTH_SECRET", "COHERE_API_KEY", "PORT"):
        assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_secrets_are_not_in_the_representation() -> None:
    settings = load(Settings, environment(URL))
    for secret in settings.secrets():
        assert secret not in repr(settings)
    assert "pass@word" in settings.secrets()
