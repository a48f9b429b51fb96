"""Which kind of database a run uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.databases.choice import KINDS, DatabaseFixedError, DatabaseNotGivenError, choose
from harness.options import OPTIONS
from harness.project import Database
from harness.settings import Settings

URL, KEY = {"DATABASE_URL": "postgresql://a:b@c/d"}, {"NEON_API_KEY": "napi_x"}


@pytest.mark.parametrize(
    ("asked", "environ", "kind", "reason"),
    [
        ("", {}, "external", "neither DATABASE_URL nor NEON_API_KEY is set"),
        ("", {"DATABASE_URL": "", "NEON_API_KEY": ""}, "external", "neither"),
        ("", URL, "given", "DATABASE_URL is set"),
        ("", KEY, "neon", "NEON_API_KEY is set"),
        ("", URL | KEY, "given", "DATABASE_URL is set"),
        ("neon", URL | KEY, "neon", "asked for"),
        ("external", URL | KEY, "external", "asked for"),
        ("pooled", {}, "pooled", "asked for"),
        ("in-cluster", KEY, "in-cluster", "asked for"),
    ],
)
def test_a_kind_and_why(asked: str, environ: dict[str, str], kind: str, reason: str) -> None:
    choice = choose(asked, Database(), environ)
    assert choice.kind == kind
    assert reason in choice.reason
    assert choice.ours == (kind in ("external", "pooled"))


@pytest.mark.parametrize(
    ("asked", "environ", "missing"),
    [("given", KEY, "DATABASE_URL"), ("neon", URL, "NEON_API_KEY")],
)
def test_what_a_kind_needs_is_not_there(asked: str, environ: dict[str, str], missing: str) -> None:
    with pytest.raises(DatabaseNotGivenError, match=missing) as raised:
        choose(asked, Database(), environ)
    assert "in-cluster" in raised.value.fix


def test_a_chart_that_takes_no_other_database_has_its_own() -> None:
    own = Database(external=False)
    for asked in ("", "in-cluster"):
        choice = choose(asked, own, URL | KEY)
        assert (choice.kind, choice.ours) == ("in-cluster", False)
        assert "takes no other" in choice.reason
    with pytest.raises(DatabaseFixedError, match="kind given") as raised:
        choose("given", own, URL)
    assert "external = false" in raised.value.looked


def test_the_option_takes_every_kind(project_dir: Path) -> None:
    assert Settings.load({}, {}, project_dir).database == ""
    for kind in KINDS:
        assert Settings.load({"database": kind}, {}, project_dir).database == kind
    [option] = [option for option in OPTIONS if option.name == "database"]
    assert all(kind in option.help for kind in KINDS)
