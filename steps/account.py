"""An account of the todo app, used through the frontend as a program would use it."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from pytest_bdd import given, parsers, then, when

from harness.evidence import call

if TYPE_CHECKING:
    import httpx

    from fixtures.evidence import Evidence
    from harness.release import Release

_TITLE = "Outlive the pods"
_ANSWERED_BY = "X-Backend-Pod"


@dataclass
class Account:
    """Somebody who has signed up. `answers` are the names of who answered, in order."""

    client: httpx.Client
    id: str
    token: str = field(repr=False)
    todo: dict[str, Any] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)
    signs_in_with: dict[str, str] = field(default_factory=dict, repr=False)

    def call(self, method: str, path: str = "", **body: object) -> httpx.Response:
        """Send one request for the account's todos, and note who answered."""
        response = self.client.request(
            method,
            f"/api/{self.id}/tasks{path}",
            headers={"Authorization": f"Bearer {self.token}"},
            json=body or None,
        )
        self.answers.append(response.headers.get(_ANSWERED_BY, ""))
        return response


def sign_up(client: httpx.Client) -> Account:
    """Make an account that nobody had before."""
    email = f"account-{secrets.token_hex(8)}@example.com"
    body = {"name": "An Account", "email": email, "password": secrets.token_urlsafe(18)}
    response = client.post("/api/auth/signup", json=body)
    assert response.status_code == 201, _said("signing up", 201, response)
    client.cookies.clear()  # from here on the token speaks for the account, and nothing else
    answer = response.json()
    account = Account(client, answer["user"]["id"], answer["token"])
    account.signs_in_with = {name: body[name] for name in ("email", "password")}
    return account


def sign_in(account: Account) -> str:
    """Sign in anew, and return the token of that."""
    response = account.client.post("/api/auth/login", json=account.signs_in_with)
    assert response.status_code == 200, _said("signing in", 200, response)
    account.client.cookies.clear()
    return str(response.json()["token"])


@pytest.fixture
def frontend_client(app_url: str) -> Iterator[httpx.Client]:
    """A client of the frontend at its public address."""
    import httpx

    with httpx.Client(base_url=app_url, timeout=20, trust_env=False) as client:
        yield client


@given("an account", target_fixture="account")
def account(frontend_client: httpx.Client) -> Account:
    return sign_up(frontend_client)


@given("an account with a todo", target_fixture="account")
def account_with_todo(frontend_client: httpx.Client) -> Account:
    return sign_up_with_todo(frontend_client)


def sign_up_with_todo(client: httpx.Client) -> Account:
    """Make an account that has a todo."""
    account = sign_up(client)
    response = account.call("POST", title=_TITLE)
    assert response.status_code == 201, _said("adding a todo", 201, response)
    account.todo = response.json()
    return account


@when("a todo is created, read, changed and deleted through the frontend")
def life_of_a_todo(account: Account) -> None:
    created = account.call("POST", title="First", description="of all")
    assert created.status_code == 201, _said("creating", 201, created)
    path = f"/{created.json()['id']}"
    read = account.call("GET", path)
    assert read.status_code == 200, _said("reading", 200, read)
    assert read.json()["title"] == "First", f"read back {read.json()['title']!r}, not 'First'"
    changed = account.call("PUT", path, title="Second", completed=True)
    assert changed.status_code == 200, _said("changing", 200, changed)
    listed = account.call("GET")
    assert [(t["title"], t["completed"]) for t in listed.json()] == [("Second", True)], (
        f"after the change the list holds {listed.text}"
    )
    deleted = account.call("DELETE", path)
    assert deleted.status_code == 204, _said("deleting", 204, deleted)
    gone = account.call("GET", path)
    assert gone.status_code == 404, _said("reading what was deleted", 404, gone)


@then("each answer came from a pod of the backend")
def answered_by_backend(account: Account, release: Release, evidence: Evidence) -> None:
    pods = {pod.name for pod in release.pods("backend")}
    assert account.answers, "nothing was asked"
    strangers = [name or "nobody named" for name in account.answers if name not in pods]
    assert not strangers, f"answered by {strangers}; the backend's pods are {sorted(pods)}"
    evidence.facts(
        "call", call("frontend", "backend", f"{len(account.answers)} answers by its pods")
    )


@when(parsers.parse("{who} asks for the todos of the account"), target_fixture="answer")
def asks(account: Account, frontend_client: httpx.Client, who: str) -> httpx.Response:
    token = ""
    if who == "somebody with a forged token":
        token = _forged(account.token)
    elif who == "somebody else":
        token = sign_up(frontend_client).token
    else:
        assert who == "nobody in particular", f"who is {who}?"
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return frontend_client.get(f"/api/{account.id}/tasks", headers=headers)


@then(parsers.parse("the answer is {status:d}"))
def the_answer_is(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status, _said("asking", status, answer)
    assert "detail" in answer.json(), f"an error without a detail: {answer.text[:300]}"


@then("the todo is still there")
def still_there(account: Account) -> None:
    response = account.call("GET", f"/{account.todo['id']}")
    assert response.status_code == 200, _said("reading the todo again", 200, response)
    assert response.json() == account.todo


def _forged(token: str) -> str:
    """Return the token with its own claims, signed by somebody who has no secret."""
    head, claims, signature = token.split(".")
    made_up = base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
    assert json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"]
    return f"{head}.{claims}.{made_up[: len(signature)]}"


def _said(doing: str, wanted: int, response: httpx.Response) -> str:
    return (
        f"{doing}: wanted {wanted}, got {response.status_code} from "
        f"{response.request.method} {response.request.url.path}: {response.text[:300]}"
    )
