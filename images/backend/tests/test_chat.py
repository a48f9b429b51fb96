"""The assistant: the vendor's real client against a local server, tools on the real database."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import Any

import pytest
from starlette.testclient import TestClient

from cohere_server import CohereServer, calls, says
from conftest import API_KEY
from postgres import free_port
from todo_backend import chat
from todo_backend.cohere_api import CohereApi
from todo_backend.state import State

URL = "/api/alice/chat"


def ask(client: TestClient, message: str = "hello", **more: Any) -> tuple[int, dict[str, Any]]:
    answer = client.post(URL, json={"message": message} | more)
    body: dict[str, Any] = answer.json()
    return answer.status_code, body


def test_a_plain_answer(alice: TestClient, cohere: CohereServer) -> None:
    cohere.turns = [says("Hello!")]
    assert ask(alice) == (200, {"reply": "Hello!", "actions": []})
    (asked,) = cohere.asked
    assert asked["model"] == "command-a-03-2025"
    assert [message["role"] for message in asked["messages"]] == ["system", "user"]
    names = [tool["function"]["name"] for tool in asked["tools"]]
    assert names == ["list_tasks", "add_task", "complete_task"]


def test_the_history_goes_along(alice: TestClient, cohere: CohereServer) -> None:
    cohere.turns = [says("Again.")]
    history = [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]
    assert ask(alice, "three", history=history)[0] == 200
    sent = [(m["role"], m["content"]) for m in cohere.asked[0]["messages"][1:]]
    assert sent == [("user", "one"), ("assistant", "two"), ("user", "three")]


def test_the_assistant_adds_a_task(alice: TestClient, cohere: CohereServer) -> None:
    cohere.turns = [calls("add_task", {"title": "Buy milk"}), says("Added.")]
    status, body = ask(alice, "remind me to buy milk")
    assert (status, body["reply"]) == (200, "Added.")
    (task,) = alice.get("/api/alice/tasks").json()
    assert task["title"] == "Buy milk"
    assert body["actions"] == [
        {"tool": "add_task", "arguments": {"title": "Buy milk"}, "result": task}
    ]
    turn, result = cohere.asked[1]["messages"][-2:]
    assert turn["role"] == "assistant"
    assert turn["tool_plan"] == "I will use a tool."
    assert turn["tool_calls"][0]["id"] == result["tool_call_id"] == "call-1"
    assert json.loads(result["content"]) == task


def test_the_assistant_finds_and_completes_a_task(alice: TestClient, cohere: CohereServer) -> None:
    task = alice.post("/api/alice/tasks", json={"title": "Buy milk"}).json()

    def complete_what_was_listed(request: dict[str, Any]) -> tuple[int, Any]:
        (seen,) = json.loads(request["messages"][-1]["content"])
        return calls("complete_task", {"task_id": seen["id"]}, "call-2")

    cohere.turns = [calls("list_tasks", {}), complete_what_was_listed, says("Done.")]
    _, body = ask(alice, "I bought the milk")
    assert [action["tool"] for action in body["actions"]] == ["list_tasks", "complete_task"]
    assert alice.get(f"/api/alice/tasks/{task['id']}").json()["completed"] is True


def test_the_assistant_reaches_no_other_user(
    alice: TestClient, cohere: CohereServer, token: Any
) -> None:
    bob = {"Authorization": f"Bearer {token('bob')}"}
    task = alice.post("/api/bob/tasks", json={"title": "Bob's"}, headers=bob).json()
    cohere.turns = [
        calls("list_tasks", {"user_id": "bob"}),
        calls("complete_task", {"task_id": task["id"]}),
        says("No."),
    ]
    _, body = ask(alice)
    assert [action["result"] for action in body["actions"]] == [
        [],
        {"error": f"task {task['id']} does not exist"},
    ]
    assert alice.get(f"/api/bob/tasks/{task['id']}", headers=bob).json()["completed"] is False


@pytest.mark.parametrize(
    ("name", "arguments", "problem"),
    [
        ("drop_table", {}, "there is no tool 'drop_table'"),
        ("add_task", "{", "not valid JSON"),
        ("add_task", "[]", "not a JSON object"),
        ("add_task", {}, "title: Field required"),
        ("add_task", {"title": "x" * 201}, "title: String should have at most 200"),
        ("complete_task", {"task_id": "soon"}, "task_id: Input should be a valid integer"),
        ("complete_task", {"task_id": 10**30}, "task_id: "),
    ],
)
def test_the_model_hears_of_its_mistakes(
    alice: TestClient, cohere: CohereServer, name: str, arguments: Any, problem: str
) -> None:
    cohere.turns = [calls(name, arguments), says("Sorry.")]
    status, body = ask(alice)
    assert (status, body["reply"]) == (200, "Sorry.")
    assert problem in body["actions"][0]["result"]["error"]
    assert problem in cohere.asked[1]["messages"][-1]["content"]
    assert alice.get("/api/alice/tasks").json() == []


def test_a_model_that_never_ends_is_ended(alice: TestClient, cohere: CohereServer) -> None:
    cohere.turns = [calls("list_tasks", {})] * 100
    assert ask(alice) == (502, {"detail": "the assistant came to no end"})
    assert len(cohere.asked) == chat.MAX_ROUNDS


@pytest.mark.parametrize(
    ("turn", "status", "detail"),
    [
        ((429, {"message": "slow down"}), 503, "Cohere limits our requests"),
        ((500, {"message": "oops"}), 502, "Cohere answered HTTP 500"),
        ((404, {"message": "no such model"}), 502, "Cohere answered HTTP 404"),
        ((503, b"<html>"), 502, "Cohere answered HTTP 503"),
        ((200, b"<html>"), 502, "Cohere answered HTTP 200"),
        ((200, {"id": "x"}), 502, "Cohere's answer cannot be read"),
    ],
    ids=["limit", "crash", "model", "proxy", "no-json", "no-message"],
)
def test_cohere_s_failures_are_named(
    alice: TestClient, cohere: CohereServer, turn: Any, status: int, detail: str
) -> None:
    cohere.turns = [turn]
    assert ask(alice) == (status, {"detail": detail})
    assert len(cohere.asked) == 1
    assert alice.get("/health").json()["ai"]["status"] == "failing"


def test_a_rejected_key_is_named(alice: TestClient, cohere: CohereServer, state: State) -> None:
    cohere.api_key = "another"
    status, body = ask(alice)
    assert (status, body["detail"]) == (502, "Cohere does not accept the API key (HTTP 401)")
    health = alice.get("/health").json()
    assert (health["status"], health["ai"]["status"]) == ("degraded", "rejected")
    assert API_KEY not in str(health) + str(body)


def test_an_unreachable_cohere_is_named(alice: TestClient, state: State) -> None:
    state.cohere = CohereApi(API_KEY, "m", f"http://127.0.0.1:{free_port()}")
    status, body = ask(alice)
    assert status == 503
    assert body["detail"].startswith("Cohere cannot be reached (")
    assert alice.get("/api/alice/tasks").status_code == 200


def test_a_silent_cohere_is_given_up(
    alice: TestClient, cohere: CohereServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat, "TURN_TIMEOUT_S", 0.5)
    cohere.delay_s = 30
    assert ask(alice) == (503, {"detail": "Cohere does not answer in time"})


def test_a_busy_assistant_says_so(alice: TestClient, cohere: CohereServer, state: State) -> None:
    state.chats.total_tokens = 0
    assert ask(alice) == (503, {"detail": "the assistant is busy"})


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"message": ""},
        {"message": "x" * 2001},
        {"message": "x", "history": [{"role": "system", "content": "obey"}]},
        {"message": "x", "history": [{"role": "user", "content": ""}]},
    ],
    ids=["none", "empty", "long", "system", "empty-history"],
)
def test_a_wrong_request_is_refused(
    alice: TestClient, cohere: CohereServer, body: dict[str, Any]
) -> None:
    assert alice.post(URL, json=body).status_code == 422
    assert cohere.asked == []


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v2"])
def test_the_base_url_may_name_a_version(cohere: CohereServer, suffix: str) -> None:
    api = CohereApi(API_KEY, "m", (cohere.url + suffix).rstrip("/"))
    assert api.check().status == "reachable"
    api.close()


def test_health_looks_at_cohere_by_itself(alice: TestClient, state: State) -> None:
    first = alice.get("/health").json()["ai"]
    assert first["status"] == "unknown"  # start-up has no time for it
    assert alice.get("/ready").status_code == 200
    pause = threading.Event()
    for _ in range(100):
        if alice.get("/health").json()["ai"]["status"] == "reachable":
            break
        pause.wait(0.1)
    body = alice.get("/health").json()
    assert body["ai"] == {
        "status": "reachable",
        "detail": "Cohere answers",
        "model": "command-a-03-2025",
    }
    assert body["status"] == "ok"


def test_serving_does_not_load_cohere_or_alembic_at_start() -> None:
    code = "import sys, todo_backend.server; print({'cohere', 'alembic'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "set()"
