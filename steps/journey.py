"""Somebody who uses the application by requests: as described, or as its OpenAPI document tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from pytest_bdd import given, then, when

if TYPE_CHECKING:
    from harness.journey.interface import Interface
    from harness.journey.life import Life
    from harness.journey.visitor import Visitor
    from harness.redact import Redactor


@given("a visitor of the application", target_fixture="visitor")
def a_visitor(app_url: str, redact: Redactor) -> Iterator[Visitor]:
    from harness.journey.visitor import Visitor

    with Visitor(app_url, redact) as visitor:
        yield visitor


@given("what the application tells of its interface", target_fixture="interface")
def told_interface(visitor: Visitor) -> Interface:
    from harness.journey.errors import NotProvableError
    from harness.journey.interface import discover

    try:
        return discover(visitor)
    except NotProvableError as error:
        pytest.skip(_why(error))


@when("the visitor creates something that it keeps", target_fixture="life")
def creates(visitor: Visitor, interface: Interface) -> Life:
    from harness.journey.errors import NotProvableError
    from harness.journey.life import Life

    life = Life(visitor, interface)
    try:
        life.create()
    except NotProvableError as error:
        pytest.skip(_why(error))
    return life


@then("it can be read as it was created")
@then("it can be read as it was changed")
def can_be_read(life: Life) -> None:
    life.read()


@when("the visitor changes it")
def changes(life: Life) -> None:
    from harness.journey.errors import NotProvableError

    try:
        life.change()
    except NotProvableError as error:
        pytest.skip(_why(error))


@when("the visitor deletes it")
def deletes(life: Life) -> None:
    from harness.journey.errors import NotProvableError

    try:
        life.delete()
    except NotProvableError as error:
        pytest.skip(_why(error))


@then("it is gone")
def is_gone(life: Life) -> None:
    life.is_gone()


def _why(error: Exception) -> str:
    """Return an error in one line, with what to do."""
    from harness.errors import DeployError

    assert isinstance(error, DeployError)
    return f"{error.needed}: {'; '.join(error.seen.splitlines())}; {error.fix}"
