"""Who may do what: tokens as the frontend signs them, and everything else."""

from __future__ import annotations

import time

import pytest
from starlette.testclient import TestClient

from conftest import Token

URL = "/api/alice/tasks"


def get(client: TestClient, token: str | None, scheme: str = "Bearer") -> tuple[int, str]:
    headers = {"Authorization": f"{scheme} {token}"} if token is not None else {}
    answer = client.get(URL, headers=headers)
    if answer.status_code == 401:
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    return answer.status_code, str(answer.json())


def test_the_frontend_s_token_is_accepted(client: TestClient, token: Token) -> None:
    assert get(client, token())[0] == 200
    assert get(client, token(), "bearer")[0] == 200


def test_without_a_token_nothing_is_given(client: TestClient) -> None:
    assert get(client, None) == (401, "{'detail': 'a bearer token is required'}")


def test_the_token_comes_before_the_body(client: TestClient) -> None:
    for url in (URL, "/api/alice/chat"):
        assert client.post(url, json={}).status_code == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": int(time.time()) - 3600},
        {"iat": int(time.time()) + 3600},
        {"iss": "somebody"},
        {"aud": "something"},
        {"sub": ""},
        {"sub": None},
        {"iat": None},
        {"exp": None},
        {"iss": None},
        {"aud": None},
        {"secret": "x" * 40},
        {"algorithm": "HS512"},
    ],
    ids=str,
)
def test_every_claim_counts(client: TestClient, token: Token, claims: dict[str, object]) -> None:
    assert get(client, token(**claims))[0] == 401


def test_an_unsigned_token_is_refused(client: TestClient, token: Token) -> None:
    assert get(client, token(secret="", algorithm="none"))[0] == 401


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "\x7f"])
def test_what_is_no_token_is_refused(client: TestClient, text: str) -> None:
    assert get(client, text)[0] == 401


def test_basic_is_not_bearer(client: TestClient, token: Token) -> None:
    assert get(client, token(), "Basic")[0] == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "tasks"),
        ("POST", "tasks"),
        ("GET", "tasks/1"),
        ("PUT", "tasks/1"),
        ("DELETE", "tasks/1"),
        ("POST", "chat"),
    ],
)
def test_another_user_s_path_is_forbidden(
    client: TestClient, token: Token, method: str, path: str
) -> None:
    headers = {"Authorization": f"Bearer {token('bob')}"}
    answer = client.request(method, f"/api/alice/{path}", headers=headers, json={})
    assert answer.status_code == 403
    assert answer.json() == {"detail": "this belongs to another user"}


def test_probes_need_no_token(client: TestClient) -> None:
    assert client.get("/health").status_code == 200
    assert client.get("/ready").status_code == 200
