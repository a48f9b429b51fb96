"""The Cohere stand-in speaks the v2 chat API and decides by what it is sent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

SOURCE = Path(__file__).parent.parent / "supply" / "cohere"
KEY = "the-right-key"
MODEL = "command-a-03-2025"


def tool(name: str, description: str = "", /, **properties: Any) -> dict[str, Any]:
    required = [key for key, schema in properties.items() if schema.pop("required", True)]
    schema = {"type": "object", "properties": properties, "required": required}
    function = {"name": name, "description": description, "parameters": schema}
    return {"type": "function", "function": function}


def todo_tools() -> list[dict[str, Any]]:
    text, number = {"type": "string"}, {"type": "integer"}
    return [
        tool("list_tasks", "List the user's tasks"),
        tool("add_task", "Add a task", title=dict(text), description=text | {"required": False}),
        tool("complete_task", "Mark a task as completed", task_id=dict(number)),
        tool("delete_task", "Delete a task", task_id=dict(number)),
    ]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    environ = os.environ | {"PORT": "0", "HOST": "127.0.0.1", "STANDIN_API_KEY": KEY}
    argv = [sys.executable, "-m", "cohere_standin"]
    with subprocess.Popen(
        argv, cwd=SOURCE, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        port = process.stdout.readline().rsplit(" ", 1)[-1].strip()
        yield f"http://127.0.0.1:{port}"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.fixture
def client(server: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=server, headers=headers, trust_env=False, timeout=5) as client:
        yield client


def ask(client: httpx.Client, text: str, *later: dict[str, Any], **more: Any) -> dict[str, Any]:
    messages = [
        {"role": "system", "content": "You help with todos."},
        {"role": "user", "content": text},
        *later,
    ]
    body = {"model": MODEL, "messages": messages, "tools": todo_tools()} | more
    said = client.post("/v2/chat", json=body)
    assert said.status_code == 200, said.text
    return dict(said.json())


def call_of(reply: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    assert reply["finish_reason"] == "TOOL_CALL", reply
    function = reply["message"]["tool_calls"][0]["function"]
    return function["name"], json.loads(function["arguments"])


def answered(reply: dict[str, Any], result: Any) -> list[dict[str, Any]]:
    call = reply["message"]["tool_calls"][0]
    document = {"type": "document", "document": {"data": json.dumps(result)}}
    assistant = {"role": "assistant", "tool_calls": [call], "tool_plan": "…"}
    return [assistant, {"role": "tool", "tool_call_id": call["id"], "content": [document]}]


def words_of(reply: dict[str, Any]) -> str:
    assert reply["finish_reason"] == "COMPLETE", reply
    assert "tool_calls" not in reply["message"]
    return str(reply["message"]["content"][0]["text"])


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ("Add buy milk", "add_task", {"title": "buy milk"}),
        ("Please add a task to water the plants", "add_task", {"title": "water the plants"}),
        ("create a new todo called 'Pay rent'", "add_task", {"title": "Pay rent"}),
        ('Add "show slides" to my list', "add_task", {"title": "show slides"}),
        ("Add a task: call 3 friends", "add_task", {"title": "call 3 friends"}),
        ("Remind me to feed the cat please", "add_task", {"title": "feed the cat"}),
        ("Show my tasks", "list_tasks", {}),
        ("What do I have to do?", "list_tasks", {}),
        ("show me all completed tasks", "list_tasks", {}),
        ("Complete task 3", "complete_task", {"task_id": 3}),
        ("Mark #12 as done", "complete_task", {"task_id": 12}),
        ("delete task number 4", "delete_task", {"task_id": 4}),
    ],
)
def test_understands(client: httpx.Client, text: str, name: str, arguments: dict[str, Any]) -> None:
    assert call_of(ask(client, text)) == (name, arguments)


def test_looks_up_the_id_when_only_the_title_is_given(client: httpx.Client) -> None:
    tasks = [{"id": 7, "title": "Water plants"}, {"id": 9, "title": "Buy milk"}]
    text = "I finished buy milk"
    first = ask(client, text)
    assert call_of(first) == ("list_tasks", {})
    listed = answered(first, tasks)
    second = ask(client, text, *listed)
    assert call_of(second) == ("complete_task", {"task_id": 9})
    done = answered(second, {"id": 9, "title": "Buy milk", "completed": True})
    assert words_of(ask(client, text, *listed, *done)) == "Done, I have completed “Buy milk”."


def test_says_that_there_is_no_such_item(client: httpx.Client) -> None:
    first = ask(client, "complete 'walk the dog'")
    later = answered(first, {"tasks": [{"id": 1, "title": "Pay taxes"}]})
    said = words_of(ask(client, "complete 'walk the dog'", *later))
    assert said == "I could not find anything called “walk the dog”."


def test_tells_a_list(client: httpx.Client) -> None:
    first = ask(client, "list my tasks")
    tasks = [
        {"id": 1, "title": "A", "completed": True},
        {"id": 2, "title": "B", "completed": False},
    ]
    said = words_of(ask(client, "list my tasks", *answered(first, tasks)))
    assert said == "You have 2 on your list:\n1. A (done)\n2. B (open)"
    assert words_of(ask(client, "list my tasks", *answered(first, []))).startswith(
        "There is nothing"
    )


def test_tells_a_tools_error(client: httpx.Client) -> None:
    first = ask(client, "complete task 5")
    said = words_of(ask(client, "complete task 5", *answered(first, {"error": "no task 5"})))
    assert said == "That did not work: no task 5."


def test_uses_tools_of_another_app(client: httpx.Client) -> None:
    tools = [
        tool("createNote", body={"type": "string"}, owner_id={"type": "integer"}),
        tool("findNotes", status={"type": "string", "enum": ["all", "pending", "completed"]}),
    ]
    messages = [
        {"role": "system", "content": "The current owner_id is 42."},
        {"role": "user", "content": "create a note 'ring the bell'"},
    ]
    body = {"model": MODEL, "messages": messages, "tools": tools}
    reply = client.post("/v2/chat", json=body).json()
    assert call_of(reply) == ("createNote", {"body": "ring the bell", "owner_id": 42})
    messages[1]["content"] = "show what is open"
    assert call_of(client.post("/v2/chat", json=body).json()) == (
        "findNotes",
        {"status": "pending"},
    )


def test_replies_in_words_without_a_wish_or_a_tool(client: httpx.Client) -> None:
    assert "Add a task" in words_of(ask(client, "Hello there"))
    assert words_of(ask(client, "Add milk", tools=[])).startswith("Hello!")
    assert words_of(ask(client, "Add milk", tool_choice="NONE"))


def test_answers_in_the_services_shape(client: httpx.Client) -> None:
    reply = ask(client, "add milk")
    assert set(reply) == {"id", "finish_reason", "message", "usage"}
    assert set(reply["message"]) == {"role", "tool_plan", "tool_calls"}
    assert set(reply["usage"]) == {"billed_units", "tokens"}
    assert reply["message"]["tool_calls"][0]["type"] == "function"


def test_streams(client: httpx.Client) -> None:
    messages = [{"role": "user", "content": "Hello"}]
    with client.stream(
        "POST", "/v2/chat", json={"model": MODEL, "messages": messages, "stream": True}
    ) as said:
        assert said.headers["content-type"] == "text/event-stream"
        events = [json.loads(line[6:]) for line in said.iter_lines() if line.startswith("data: ")]
    kinds = [event["type"] for event in events]
    assert kinds[:2] == ["message-start", "content-start"]
    assert kinds[-2:] == ["content-end", "message-end"]
    text = "".join(
        event["delta"]["message"]["content"]["text"]
        for event in events
        if event["type"] == "content-delta"
    )
    assert text.startswith("Hello! Tell me")


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {KEY}"}],
    ids=["none", "wrong", "scheme"],
)
def test_refuses_without_the_key(server: str, headers: dict[str, str]) -> None:
    said = httpx.post(f"{server}/v1/check-api-key", headers=headers, trust_env=False)
    assert said.status_code == 401
    assert said.json()["message"] == "invalid api token"


USER = {"role": "user", "content": "hi"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not JSON"),
        (b"[]", "not an object"),
        ({"messages": [USER]}, "model is required"),
        ({"model": MODEL}, "at least one"),
        ({"model": MODEL, "messages": []}, "at least one"),
        ({"model": MODEL, "messages": [{"role": "robot", "content": "x"}]}, "role"),
        ({"model": MODEL, "messages": [{"role": "user"}]}, "content must not be empty"),
        ({"model": MODEL, "messages": [USER, {"role": "assistant", "content": "x"}]}, "last"),
        ({"model": MODEL, "messages": [USER, {"role": "tool", "content": "x"}]}, "tool_call_id"),
        (
            {"model": MODEL, "messages": [{"role": "tool", "tool_call_id": "?", "content": "x"}]},
            "no tool call has the id",
        ),
        ({"model": MODEL, "messages": [USER], "tools": [{"type": "x"}]}, "of type function"),
        ({"model": MODEL, "messages": [USER], "tool_choice": "REQUIRED"}, "needs tools"),
    ],
)
def test_refuses_what_is_malformed(client: httpx.Client, body: Any, words: str) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    said = client.post("/v2/chat", content=content)
    assert said.status_code == 400
    assert words in said.json()["message"]


def test_does_not_know_other_models_or_paths(client: httpx.Client) -> None:
    said = client.post("/v2/chat", json={"model": "gpt", "messages": [USER]})
    assert said.status_code == 404
    assert "model 'gpt' not found" in said.json()["message"]
    assert client.get("/v9").status_code == 404


def test_lists_its_models(client: httpx.Client) -> None:
    assert MODEL in [one["name"] for one in client.get("/v1/models").json()["models"]]
    assert client.get(f"/v1/models/{MODEL}").json()["endpoints"] == ["chat"]


def test_counts_requests_without_their_content(server: str, client: httpx.Client) -> None:
    before = httpx.get(f"{server}/requests", trust_env=False).json()
    ask(client, "add a secret plan")
    client.post("/v2/chat", content=b"{")
    after = httpx.get(f"{server}/requests", trust_env=False).json()
    assert after["total"] - before["total"] == 2
    assert after["requests"]["POST /v2/chat"]["200"] > before["requests"].get(
        "POST /v2/chat", {}
    ).get("200", 0)
    calls = before["tool_calls"].get("add_task", 0)
    assert after["tool_calls"]["add_task"] == calls + 1
    assert "secret plan" not in json.dumps(after)


def test_a_wrong_port_is_said_in_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cohere_standin"],
        cwd=SOURCE, env=os.environ | {"PORT": "http"}, capture_output=True, text=True, timeout=10,
    )  # fmt: skip
    assert done.returncode == 78
    assert done.stderr == "PORT is 'http': a number from 0 to 65535 is needed\n"
