"""The tasks' API, on a real database."""

from __future__ import annotations

import socket
import threading
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from conftest import environment
from todo_backend.app import create_app
from todo_backend.migrate import migrate
from todo_backend.settings import Settings, load
from todo_backend.state import State

URL = "/api/alice/tasks"


def add(client: TestClient, **body: Any) -> dict[str, Any]:
    answer = client.post(URL, json={"title": "Buy milk"} | body)
    assert answer.status_code == 201, answer.text
    task: dict[str, Any] = answer.json()
    return task


def test_a_task_lives_and_dies(alice: TestClient) -> None:
    assert alice.get(URL).json() == []
    task = add(alice, title="  Buy milk ", description="two litres")
    assert task | {"id": 0, "created_at": "", "updated_at": ""} == {
        "id": 0,
        "user_id": "alice",
        "title": "Buy milk",
        "description": "two litres",
        "completed": False,
        "created_at": "",
        "updated_at": "",
    }
    one = f"{URL}/{task['id']}"
    assert alice.get(one).json() == task
    assert alice.get(URL).json() == [task]
    changed = alice.put(one, json={"completed": True})
    assert changed.status_code == 200
    assert changed.json()["completed"] is True
    assert changed.json()["title"] == "Buy milk"
    gone = alice.delete(one)
    assert (gone.status_code, gone.content) == (204, b"")
    for answer in (alice.get(one), alice.put(one, json={"title": "x"}), alice.delete(one)):
        assert answer.status_code == 404
        assert answer.json() == {"detail": f"task {task['id']} does not exist"}


def test_times_are_utc_and_the_second_one_moves(alice: TestClient) -> None:
    task = add(alice)
    assert task["created_at"].endswith("Z")
    assert task["updated_at"] == task["created_at"]
    created = datetime.fromisoformat(task["created_at"])
    assert abs(datetime.now(created.tzinfo) - created) < timedelta(minutes=1)
    same = alice.put(f"{URL}/{task['id']}", json={"title": task["title"]}).json()
    assert same["updated_at"] == task["updated_at"]
    other = alice.put(f"{URL}/{task['id']}", json={"title": "Other"}).json()
    assert other["updated_at"] > task["updated_at"]
    assert other["created_at"] == task["created_at"]


def test_the_description_can_be_cleared(alice: TestClient) -> None:
    task = add(alice, description="x")
    assert (
        alice.put(f"{URL}/{task['id']}", json={"description": None}).json()["description"] is None
    )


def test_a_whole_task_can_be_put_back(alice: TestClient) -> None:
    task = add(alice)
    answer = alice.put(f"{URL}/{task['id']}", json=task | {"user_id": "bob", "title": "New"})
    assert answer.status_code == 200
    assert answer.json()["user_id"] == "alice"


def test_nobody_sees_the_tasks_of_others(alice: TestClient, token: Any) -> None:
    task = add(alice)
    bob = {"Authorization": f"Bearer {token('bob')}"}
    assert alice.get("/api/bob/tasks", headers=bob).json() == []
    assert alice.get(f"/api/bob/tasks/{task['id']}", headers=bob).status_code == 404
    assert alice.delete(f"/api/bob/tasks/{task['id']}", headers=bob).status_code == 404
    assert alice.get(URL).json() == [task]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"title": ""},
        {"title": "   "},
        {"title": "x" * 201},
        {"title": None},
        {"title": 5},
        {"title": "nul \x00"},
        {"title": "x", "description": "y" * 2001},
        {"title": "x", "description": "nul \x00"},
        [],
    ],
    ids=repr,
)
def test_a_wrong_new_task_is_refused(alice: TestClient, body: Any) -> None:
    answer = alice.post(URL, json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"]
    assert alice.get(URL).json() == []


@pytest.mark.parametrize(
    "body",
    [{"title": None}, {"completed": None}, {"title": ""}, {"completed": "perhaps"}],
    ids=repr,
)
def test_a_wrong_change_is_refused(alice: TestClient, body: Any) -> None:
    task = add(alice)
    assert alice.put(f"{URL}/{task['id']}", json=body).status_code == 422
    assert alice.get(f"{URL}/{task['id']}").json() == task


@pytest.mark.parametrize("raw", [b'{"title": "\\ud800"}', b"{", b"\xff"])
def test_text_that_is_no_text_is_refused(alice: TestClient, raw: bytes) -> None:
    answer = alice.post(URL, content=raw, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.json()["detail"]


def test_a_huge_body_is_refused(alice: TestClient) -> None:
    answer = alice.post(URL, json={"title": "x", "junk": "y" * 2_000_000})
    assert answer.status_code == 413
    assert answer.json()["detail"]


@pytest.mark.parametrize("task_id", ["0", "-1", "abc", str(2**63)])
def test_an_impossible_id_is_refused(alice: TestClient, task_id: str) -> None:
    assert alice.get(f"{URL}/{task_id}").status_code == 422


def test_the_largest_possible_id_is_just_not_there(alice: TestClient) -> None:
    assert alice.get(f"{URL}/{2**63 - 1}").status_code == 404


def test_every_answer_names_the_pod(alice: TestClient) -> None:
    for path in (URL, "/health", "/ready", "/nowhere", f"{URL}/0"):
        assert alice.get(path).headers["X-Backend-Pod"] == socket.gethostname(), path


def test_unknown_paths_and_methods_have_a_detail(alice: TestClient) -> None:
    assert alice.get("/nowhere").json() == {"detail": "Not Found"}
    answer = alice.patch(URL)
    assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"})


def test_a_new_task_says_where_it_is(alice: TestClient) -> None:
    answer = alice.post(URL, json={"title": "x"})
    assert answer.headers["Location"] == f"{URL}/{answer.json()['id']}"


def test_a_huge_body_in_pieces_is_refused(alice: TestClient) -> None:
    answer = alice.post(URL, content=(b" " * 65536 for _ in range(32)))
    assert answer.status_code == 413
    assert answer.json()["detail"]


def test_a_mistake_of_ours_is_500_and_says_nothing(
    empty_database: str, token: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert migrate(empty_database, threading.Event())
    with psycopg.connect(empty_database) as connection:
        connection.execute("ALTER TABLE task RENAME COLUMN title TO name")
    state = State(load(Settings, environment(empty_database)))
    headers = {"Authorization": f"Bearer {token('alice')}"}
    with TestClient(create_app(state), raise_server_exceptions=False, headers=headers) as client:
        answer = client.post(URL, json={"title": "private"})
        assert (answer.status_code, answer.json()) == (500, {"detail": "internal error"})
        assert answer.headers["X-Backend-Pod"]
    state.close()
    assert "UndefinedColumn" in caplog.text
    assert "private" not in caplog.text
