"""That what somebody keeps behind a login is theirs alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import httpx

from harness.journey.account import Account, Credential
from harness.journey.document import wants_login
from harness.journey.errors import NotProvableError, StepFailedError
from harness.journey.interface import Person
from harness.journey.life import Life
from harness.journey.signing import open_account
from harness.journey.visitor import Visitor

_REFUSED = (401, 403, 404, 410)
_ASIDE = (302, 303, 307)  # to where one logs in
_DOES = {"get": "reads it", "put": "changes it", "patch": "changes it", "delete": "deletes it"}


def refused_without_login(life: Life) -> None:
    """See that nobody reads, changes or deletes it without the login, nor with a forged one.

    Raises:
        NotProvableError: it is for all, as far as is known.
        StepFailedError: somebody gets it.

    """
    _is_for_one(life)
    for who, credential in (
        ("somebody without a login", Credential()),
        ("somebody with a forged login", life.credential.forged()),
    ):
        with life.at.another() as stranger:
            for method in _offered(life):
                body = None if method in ("get", "delete") else life.body(method)
                answer = life.send(stranger, method, _DOES[method], credential, body)
                if answer.status_code not in (*_REFUSED, *_ASIDE):
                    raise _gets(who, method, answer, stranger)


def refused_to_others(life: Life) -> None:
    """See that nobody reads, changes or deletes it with an account of their own.

    Where the path says whose a thing is, it is asked for as its owner's and as their own.

    Raises:
        NotProvableError: it is for all, as far as is known, or there is no second account.
        StepFailedError: somebody gets it.

    """
    mine = _is_for_one(life)
    with ExitStack() as stack:
        visitors = [stack.enter_context(v.another()) for v in life.visitors]
        account = open_account(life.interface.document, visitors)
        credential = _alike(life, mine, account)
        stranger = stack.enter_context(life.at.another())
        owners: list[Person] = [life.person()]
        if life.interface.resource.personal:
            owners.append(lambda name, schema: account.value(name, schema, life.turn))
        for owner in owners:
            for method in _offered(life):
                body = None if method in ("get", "delete") else life.body(method)
                answer = life.send(stranger, method, _DOES[method], credential, body, owner)
                if answer.status_code not in _REFUSED:
                    raise _gets("somebody with another account", method, answer, stranger)


def _offered(life: Life) -> Iterator[str]:
    """Yield what can be done with it, reading first and deleting last."""
    return (method for method in _DOES if method in life.interface.resource.operations)


def _is_for_one(life: Life) -> Account:
    """Return whose it is; raises where nothing says that it is for them alone."""
    interface, resource = life.interface, life.interface.resource
    if life.account is None or life.credential == Credential():
        raise _open(life, "it is kept without a login")
    if resource.personal or wants_login(interface.document, resource.item, "get"):
        return life.account
    if resource.login:
        raise _open(life, "its document lets anybody read it")
    with life.at.another() as stranger:
        answer = life.send(stranger, "get", _DOES["get"], Credential())
    if answer.status_code not in (*_REFUSED, *_ASIDE):
        raise _open(life, "its document does not say that reading needs a login")
    return life.account


def _alike(life: Life, mine: Account, other: Account) -> Credential:
    """Return what another account is known by, in the way in which the owner is."""
    schemes = life.interface.schemes()
    known, others = mine.credentials(schemes), other.credentials(schemes)
    turn = known.index(life.credential) if life.credential in known else 0
    return others[min(turn, len(others) - 1)]


def _gets(who: str, method: str, answer: httpx.Response, visitor: Visitor) -> StepFailedError:
    seen, asked = visitor.told(answer), visitor.asked(answer)
    return StepFailedError.shared(f"{who} {_DOES[method]}", seen, asked)


def _open(life: Life, why: str) -> NotProvableError:
    needed = "something that is kept for one visitor alone"
    return NotProvableError(needed, why, life.interface.resource.item)
