"""Runs as they are kept, made for tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.history.model import Demand, Entry, Identity, Result, Size, Source, Spent

FEATURE = "features/selling.feature"


def scenario(name: str, feature: str = FEATURE, example: str = "") -> Identity:
    return Identity(feature, name, example)


def result(name: str, status: str = "PASSED", took: float = 1.0, **told: Any) -> Result:
    return Result(scenario(name, told.pop("feature", FEATURE)), status, took, 1, **told)


def entry(number: int = 1, *results: Result, **told: Any) -> Entry:
    """Return a run; each is a minute after the one before it."""
    made = Entry(
        began=1_700_000_000.0 + 60 * number,
        seconds=30.0,
        source=Source("c0ffee" + "0" * 34, dirty=False, tree="t1"),
        chart="1.0.0",
        provider="kind",
        workers=1,
        exit_status=0,
        outcome="Accepted",
        command="pytest",
        whole=True,
        sizes=(Size("api", 100e6, 40e6, 120.0, 90.0),),
        phases=(Spent("build", 5.0), Spent("install", 10.0)),
        results=results or (result("A sale"),),
        demands=(Demand("FR-1", "proven", 1, 1),),
        number=number,
    )
    return replace(made, **told)
