"""A cluster looked after in plain language: the model, the rights, and what was really done."""

from __future__ import annotations

import json
import os
import stat
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from kube_support import FakeApi

from harness.plain_language.access import Access, access_to
from harness.plain_language.errors import (
    KubectlAiMissingError,
    ProviderKeyMissingError,
    ProviderUnknownError,
    TraceUnreadableError,
)
from harness.plain_language.kubectl_ai import KubectlAi, Reply, find_kubectl_ai
from harness.plain_language.provider import given_provider
from harness.plain_language.rehearsal import answer, rehearsal, stream
from harness.plain_language.rehearsed import Answer, Command, Shown, decide
from harness.plain_language.trace import Ran, read_trace
from harness.redact import Redactor

DEPLOYMENTS = Shown("", "deployment.apps/shop-backend\ndeployment.apps/shop-frontend\n")
PODS = Shown(
    "",
    "NAME      READY   STATUS       RESTARTS   AGE\n"
    "backend   1/1     Running      0          5m\n"
    "frontend  0/1     Running      0          5m\n"
    "worker    0/1     StartError   0          5s\n",
)
DESCRIBED = Shown(
    "",
    "Name: worker\n  State:  Terminated\n    Reason:  StartError\n    Message: no /ledger\n"
    "    Exit Code: 128\n  Warning  Failed  5s  kubelet  Error\n",
)


@pytest.mark.parametrize(
    ("request_", "shown", "wanted"),
    [
        ("Scale the backend to 2 replicas", [], Command("kubectl get deployments -o name")),
        (
            "Scale the backend to 2 replicas",
            [DEPLOYMENTS],
            Command("kubectl scale deployment.apps/shop-backend --replicas=2", changes=True),
        ),
        ("scale the backend to 2", [DEPLOYMENTS, Shown("", "scaled")], Answer("scaled")),
        (
            "Roll the frontend back to what it was",
            [DEPLOYMENTS],
            Command("kubectl rollout undo deployment.apps/shop-frontend", changes=True),
        ),
        ("Which pods are not running?", [], Command("kubectl get pods")),
        ("Find out why it fails", [PODS], Command("kubectl describe pod worker")),
        ("Show what the pod web-1 wrote", [], Command("kubectl logs web-1 --tail=20")),
        ("Show what the pod web-1 wrote", [Shown("", "hello\n")], Answer("hello\n")),
        (
            "Delete the namespace other and all",
            [],
            Command("kubectl delete namespace other --wait=false", changes=True),
        ),
        ("Delete the namespace other", [Shown("", "", "forbidden")], Answer("forbidden")),
    ],
)
def test_next_command_follows_from_what_was_shown(
    request_: str, shown: list[Shown], wanted: Command | Answer
) -> None:
    assert decide(request_, shown) == wanted


def test_answer_holds_nothing_but_what_was_shown() -> None:
    idle = decide("Which pods are not running?", [PODS])
    assert isinstance(idle, Answer)
    assert [line.split()[0] for line in idle.text.splitlines()] == ["frontend", "worker"]
    why = decide("Find out why it fails", [PODS, DESCRIBED])
    assert isinstance(why, Answer)
    assert "Message: no /ledger" in why.text
    calm = Shown("", PODS.output.partition("frontend")[0])
    assert decide("why does one fail", [calm]) == Answer(f"No pod fails.\n{calm.output}")


def test_nothing_is_done_that_was_not_understood() -> None:
    assert isinstance(decide("Make me a sandwich", []), Answer)
    nobody = decide("Scale the mailer to 2", [DEPLOYMENTS])
    assert isinstance(nobody, Answer)
    assert "no mailer" in nobody.text


def test_conversation_is_read_from_its_last_request() -> None:
    arguments = json.dumps({"command": "kubectl get pods"})
    call = {"id": "1", "type": "function", "function": {"name": "kubectl", "arguments": arguments}}
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "You are"},
        {"role": "user", "content": [{"type": "text", "text": "Which pods are not running?"}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": json.dumps({"stdout": PODS.output})},
    ]
    choice = answer({"model": "m", "messages": messages})["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert "worker" in choice["message"]["content"]
    choice = answer({"model": "m", "messages": messages[:2]})["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    (call,) = choice["message"]["tool_calls"]
    assert json.loads(call["function"]["arguments"])["command"] == "kubectl get pods"


def test_stream_tells_the_same_in_pieces() -> None:
    for request, reason in (("Which pods are not running?", "tool_calls"), ("Hello", "stop")):
        completion = answer({"messages": [{"role": "user", "content": request}]})
        message = completion["choices"][0]["message"]
        first, last = (piece["choices"][0] for piece in stream(completion))
        assert (first["finish_reason"], last["finish_reason"]) == (None, reason)
        assert first["delta"]["content"] == message["content"]
        calls = first["delta"].get("tool_calls", [])
        assert calls == [call | {"index": 0} for call in message.get("tool_calls", [])]
        assert last["delta"] == {}


def test_rehearsal_answers_whoever_has_its_key_only() -> None:
    with rehearsal() as provider:
        url = f"{provider.environ['OPENAI_ENDPOINT']}/chat/completions"
        body = json.dumps({"messages": [{"role": "user", "content": "Hello"}]}).encode()
        statuses = list[int]()
        for key in ("wrong", provider.environ["OPENAI_API_KEY"]):
            asked = urllib.request.Request(url, body, {"Authorization": f"Bearer {key}"})
            try:
                with urllib.request.urlopen(asked, timeout=10) as said:
                    statuses.append(said.status)
            except urllib.error.HTTPError as error:
                statuses.append(error.code)
                error.close()
        assert statuses == [401, 200]
        assert provider.environ["OPENAI_API_KEY"] not in repr(provider)
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url, timeout=2)


@pytest.mark.parametrize(
    ("environ", "name", "model"),
    [
        ({"OPENAI_API_KEY": "k1"}, "openai", "gpt-4.1"),
        ({"OPENAI_API_KEY": "k1", "GEMINI_API_KEY": "k2"}, "gemini", "gemini-2.5-pro"),
        (
            {"OPENAI_API_KEY": "k1", "GEMINI_API_KEY": "k2", "DEPLOY_LLM_PROVIDER": "openai"},
            "openai",
            "gpt-4.1",
        ),
        ({"GROK_API_KEY": "k", "DEPLOY_LLM_MODEL": "grok-9"}, "grok", "grok-9"),
    ],
)
def test_provider_is_the_one_with_a_key(environ: dict[str, str], name: str, model: str) -> None:
    found = given_provider(environ)
    assert found is not None
    assert (found.name, found.model) == (name, model)
    assert found.secrets
    assert all(secret in environ.values() for secret in found.secrets)


def test_provider_that_cannot_be_used_is_told() -> None:
    assert given_provider({}) is None
    with pytest.raises(ProviderUnknownError, match="gemini, openai, grok"):
        given_provider({"DEPLOY_LLM_PROVIDER": "oracle"})
    with pytest.raises(ProviderKeyMissingError, match="GROK_API_KEY is not set"):
        given_provider({"DEPLOY_LLM_PROVIDER": "grok", "OPENAI_API_KEY": "k"})


def test_missing_program_is_told_with_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(KubectlAiMissingError, match=r"github\.com/GoogleCloudPlatform/kubectl-ai"):
        find_kubectl_ai({"PATH": str(tmp_path)})
    with pytest.raises(KubectlAiMissingError, match="no program /no/such"):
        find_kubectl_ai({"PATH": str(tmp_path), "DEPLOY_KUBECTL_AI": "/no/such"})


TRACE = """\
action: tool-request
payload: {id: a, name: kubectl, arguments: {command: kubectl get pods}}
timestamp: "2026-01-01T00:00:00Z"


---

action: ui.render
payload: {text: hello}


---

action: tool-response
payload: {id: a, response: {command: kubectl get pods, stdout: "web-1\\n"}}


---

action: tool-response
payload: {id: b, response: {error: exit status 1, stderr: forbidden, exit_code: 1}}


---
"""


def test_trace_tells_commands_and_what_they_showed(tmp_path: Path) -> None:
    path = tmp_path / "trace.yaml"
    path.write_text(TRACE)
    assert read_trace(path) == [
        Ran("kubectl get pods", "web-1\n", "", 0),
        Ran("", "", "forbidden", 1),
    ]
    path.write_text("a: [")
    with pytest.raises(TraceUnreadableError):
        read_trace(path)
    with pytest.raises(TraceUnreadableError, match="No such file"):
        read_trace(tmp_path / "none")


def test_fact_is_the_clusters_only_if_a_command_that_worked_showed_it() -> None:
    reply = Reply("worker-1234 fa\n ils", (Ran("a", "x ledger-1 y", "", 0), Ran("b", "z-2", "", 1)))
    assert reply.says("fails")
    assert not reply.says("succeeds")
    assert reply.was_told("ledger-1")
    assert not reply.was_told("z-2")
    assert "b (exit code 1): z-2" in reply.describe()


#: Speaks as kubectl-ai does: asks the model, runs what it decides by a shell, keeps a trace.
PROGRAM = """\
import json, os, subprocess, sys, urllib.request
flags = dict(word[2:].split("=", 1) for word in sys.argv[1:] if "=" in word)
messages, trace = [{"role": "user", "content": sys.argv[-1]}], open(flags["trace-path"], "w")
environ = os.environ | {"KUBECONFIG": flags["kubeconfig"]}
while True:
    request = urllib.request.Request(
        os.environ["OPENAI_ENDPOINT"] + "/chat/completions",
        json.dumps({"model": flags["model"], "messages": messages, "stream": True}).encode(),
        {"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]},
    )
    with urllib.request.urlopen(request) as said:
        lines = said.read().decode().splitlines()
    pieces = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    message = {"role": "assistant", "content": None}
    for piece in pieces:
        message |= piece["choices"][0]["delta"]
    messages.append(message)
    if not message.get("tool_calls"):
        print("\\x1b[1m" + message["content"])
        break
    for call in message["tool_calls"]:
        print("  Running: secret command")
        arguments = json.loads(call["function"]["arguments"])
        done = subprocess.run(
            ["bash", "-c", arguments["command"]], env=environ, capture_output=True, text=True
        )
        result = {"stdout": done.stdout, "stderr": done.stderr, "exit_code": done.returncode}
        for action, payload in (
            ("tool-request", {"id": call["id"], "arguments": arguments}),
            ("tool-response", {"id": call["id"], "response": result}),
        ):
            trace.write(json.dumps({"action": action, "payload": payload}) + "\\n\\n---\\n\\n")
        content = json.dumps(result)
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": content})
"""


def script(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_request_is_carried_out_in_a_home_and_an_environment_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:t0psecret@h/d")
    monkeypatch.setenv("KUBECONFIG", "/of/somebody")
    program = script(tmp_path / "kubectl-ai", f"#!{sys.executable}\n{PROGRAM}")
    kubectl = script(
        tmp_path / "kubectl-of-the-run",
        '#!/bin/sh\necho "$* by $KUBECONFIG at $HOME with <$DATABASE_URL>"\n',
    )
    redact = Redactor()
    with rehearsal() as provider:
        operator = KubectlAi(
            program=program,
            kubectl=kubectl,
            provider=provider,
            access=Access(tmp_path / "kubeconfig", "operator", "shop"),
            environ=dict(os.environ),
            redact=redact,
        )
        redact.add(*provider.secrets)
        reply = operator.ask("Show what the pod web-1 wrote")
    (ran,) = reply.ran
    assert (ran.command, ran.code) == ("kubectl logs web-1 --tail=20", 0)
    assert ran.output.startswith(f"logs web-1 --tail=20 by {tmp_path}/kubeconfig at ")
    assert str(Path.home()) + " " not in ran.output
    assert "with <>" in ran.output
    assert reply.says("logs web-1 --tail=20")
    assert "\x1b" not in reply.words
    assert not reply.says("secret command")


ACCOUNTS = "/api/v1/namespaces/shop/serviceaccounts"
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop"


@pytest.mark.parametrize(
    ("request_", "asked", "says"),
    [("Show what the pod web-1 wrote", 2, True), ("Scale the web to 3 replicas", 1, False)],
)
def test_answer_that_was_not_shown_is_asked_for_again_unless_something_was_changed(
    tmp_path: Path, request_: str, asked: int, *, says: bool
) -> None:
    runs = tmp_path / "runs"
    shows = f"n = open({str(runs)!r}, 'a+'); n.write('x'); n.seek(0); len(n.read()) < 2 or print("
    text = PROGRAM.replace('print("\\x1b[1m" +', f"{shows}")
    assert text != PROGRAM
    kubectl = script(tmp_path / "kubectl-of-the-run", "#!/bin/sh\necho deployment.apps/web\n")
    with rehearsal() as provider:
        operator = KubectlAi(
            program=script(tmp_path / "kubectl-ai", f"#!{sys.executable}\n{text}"),
            kubectl=kubectl,
            provider=provider,
            access=Access(tmp_path / "kubeconfig", "operator", "shop"),
            environ=dict(os.environ),
            redact=Redactor(),
        )
        reply = operator.ask(request_)
    assert len(runs.read_text()) == asked
    assert bool(reply.words.strip()) == says


def test_rights_are_those_of_one_namespace_and_end_with_the_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, redact, folder = FakeApi(), Redactor(), tmp_path / "own"
    api.objects = {ACCOUNTS: {}, f"{RBAC}/roles": {}, f"{RBAC}/rolebindings": {}}
    folder.mkdir()
    with api.client(tmp_path) as client:
        whole = client.json

        def with_token(method: str, path: str, **more: Any) -> Any:
            token = {"status": {"token": "t0ken-of-the-operator"}}
            return token if path.endswith("/token") else whole(method, path, **more)

        monkeypatch.setattr(client, "json", with_token)
        with access_to(client, "shop", folder, redact) as access:
            (role,) = api.objects[f"{RBAC}/roles"].values()
            for rule in role["rules"]:
                words = {*rule["resources"], *rule["verbs"]}
                assert not words & {"secrets", "pods/exec", "create", "*"}
            (binding,) = api.objects[f"{RBAC}/rolebindings"].values()
            assert binding["subjects"][0]["namespace"] == "shop"
            assert stat.S_IMODE(access.kubeconfig.stat().st_mode) == 0o600
            written = yaml.safe_load(access.kubeconfig.read_text())
            (user,) = written["users"]
            assert user["user"] == {"token": "t0ken-of-the-operator"}
            assert written["contexts"][0]["context"]["namespace"] == "shop"
            assert "t0ken" not in redact("with t0ken-of-the-operator")
        assert not any(api.objects.values())
    api.close()
