"""Somebody who uses the application by requests: as described, or as its OpenAPI document tells."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from pytest_bdd import given, then, when

if TYPE_CHECKING:
    from harness.journey.interface import Interface
    from harness.journey.life import Life
    from harness.journey.visitor import Visitor
    from harness.project import Project
    from harness.redact import Redactor
    from harness.release import Release


@given("a visitor of the application", target_fixture="visitor")
def a_visitor(app_url: str, redact: Redactor) -> Iterator[Visitor]:
    from harness.journey.visitor import Visitor

    with Visitor(app_url, redact) as visitor:
        yield visitor


@dataclass(frozen=True)
class Told:
    """An interface that was told, and by whom it is used."""

    visitor: Visitor
    interface: Interface
    elsewhere: tuple[Visitor, ...]


@given("what the application tells of its interface", target_fixture="told")
def told_interface(visitor: Visitor, request: pytest.FixtureRequest) -> Iterator[Told]:
    """Ask at the public address, then each role that only the cluster reaches."""
    from harness.journey.errors import NotProvableError
    from harness.journey.interface import discover

    with ExitStack() as stack:
        reasons, told = [], None
        for one in _visitors(visitor, request, stack):
            try:
                told = Told(one, discover(one), () if one is visitor else (visitor,))
                break
            except NotProvableError as error:
                reasons.append(f"{one.address}: {_why(error)}")
        if told is None:
            pytest.skip("; ".join(reasons))
        yield told


def _visitors(
    visitor: Visitor, request: pytest.FixtureRequest, stack: ExitStack
) -> Iterator[Visitor]:
    from harness.journey.inside import Inside
    from harness.journey.visitor import TIMEOUT, Visitor

    yield visitor
    project: Project = request.getfixturevalue("project")
    for role, described in project.services.items():
        if not described.public:
            release: Release = request.getfixturevalue("release")
            address = f"http://{release.service(role).name}:{described.port}"
            way = Inside(request.getfixturevalue("inside"), TIMEOUT)
            yield stack.enter_context(Visitor(address, visitor.redact, transport=way))


@when("the visitor creates something that it keeps", target_fixture="life")
def creates(told: Told) -> Life:
    from harness.journey.errors import NotProvableError
    from harness.journey.life import Life

    life = Life(told.visitor, told.interface, told.elsewhere)
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


@then("nobody reads, changes or deletes it without a login")
def is_refused_without_login(life: Life) -> None:
    from harness.journey.errors import NotProvableError
    from harness.journey.privacy import refused_without_login

    try:
        refused_without_login(life)
    except NotProvableError as error:
        pytest.skip(_why(error))


@then("nobody reads, changes or deletes it with another account")
def is_refused_to_others(life: Life) -> None:
    from harness.journey.errors import NotProvableError
    from harness.journey.privacy import refused_to_others

    try:
        refused_to_others(life)
    except NotProvableError as error:
        pytest.skip(_why(error))


def _why(error: Exception) -> str:
    """Return an error in one line, with what to do."""
    from harness.errors import DeployError

    assert isinstance(error, DeployError)
    return f"{error.needed}: {'; '.join(error.seen.splitlines())}; {error.fix}"
