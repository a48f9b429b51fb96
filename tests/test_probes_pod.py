"""The probe's pod: what it is, how it is asked, and that it is removed."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from kube_support import FakeApi

from harness.command import CommandFailedError, Completed
from harness.kube.causes import ImagePullError
from harness.kube.client import Kube
from harness.kube.exec import Exec, ExecError
from harness.kube.exec_stream import exit_of, stream
from harness.kube.selection import INSTANCE
from harness.probes import image, results
from harness.probes.pod import ProbePod, pod
from harness.redact import Redactor

PODS = "/api/v1/namespaces/shop/pods"
KUBECTL = """#!{python} -SE
import json, sys
root = {root!r}
words = sys.argv[sys.argv.index("--") + 1:]
json.dump([sys.argv[1:], sys.stdin.read()], open(root + "/asked.json", "w"))
answer = json.load(open(root + "/answers.json"))[words[1]]
sys.stdout.write(answer.get("out", "")); sys.stderr.write(answer.get("err", ""))
sys.exit(answer.get("code", 0))
"""


@pytest.fixture
def kubectl(tmp_path: Path) -> Path:
    program = tmp_path / "kubectl"
    program.write_text(KUBECTL.format(python=sys.executable, root=str(tmp_path)))
    program.chmod(0o755)
    return program


@pytest.fixture
def api() -> Iterator[FakeApi]:
    api = FakeApi()
    api.objects = {PODS: {}, "/api/v1/namespaces/shop/events": {}}
    yield api
    api.close()


@pytest.fixture
def client(api: FakeApi, tmp_path: Path) -> Iterator[Kube]:
    with api.client(tmp_path) as client:
        yield client


def answers(folder: Path, **said: object) -> None:
    (folder / "answers.json").write_text(json.dumps(said))


def asked(folder: Path) -> tuple[list[str], str]:
    argv, stdin = json.loads((folder / "asked.json").read_text())
    return argv, stdin


def kubelet(api: FakeApi, status: dict[str, object]) -> threading.Thread:
    """Give the next pod a status, as a kubelet would."""

    def work() -> None:
        while not api.objects[PODS]:
            threading.Event().wait(0.01)
        (made,) = api.objects[PODS].values()
        api.put(PODS, made | {"status": status})

    thread = threading.Thread(target=work)
    thread.start()
    return thread


READY = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}


def test_pod_is_restricted_and_nobodys_part() -> None:
    made = pod("p", "probe:1", {"x": "y"})
    container, spec = made["spec"]["containers"][0], made["spec"]
    assert INSTANCE not in made["metadata"]["labels"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not spec["automountServiceAccountToken"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert not container["securityContext"]["allowPrivilegeEscalation"]
    assert set(container["resources"]) == {"requests", "limits"}


def test_pod_lives_for_the_block(api: FakeApi, client: Kube, kubectl: Path) -> None:
    thread = kubelet(api, READY)
    with ProbePod(client, kubectl, "shop", "probe:1") as inside:
        assert list(api.objects[PODS]) == [inside.name]
    assert api.objects[PODS] == {}
    thread.join()


def test_two_pods_do_not_disturb_each_other(client: Kube, kubectl: Path) -> None:
    names = {ProbePod(client, kubectl, "shop", "probe:1").name for _ in range(5)}
    assert len(names) == 5


def test_pod_that_cannot_start_says_why_and_is_removed(
    api: FakeApi, client: Kube, kubectl: Path
) -> None:
    waiting = {"reason": "ErrImageNeverPull", "message": "not present"}
    statuses = [{"name": "probe", "state": {"waiting": waiting}}]
    thread = kubelet(api, {"phase": "Pending", "containerStatuses": statuses})
    with pytest.raises(ImagePullError, match="probe:1"):
        ProbePod(client, kubectl, "shop", "probe:1").__enter__()
    assert api.objects[PODS] == {}
    thread.join()


def test_questions_name_cluster_and_pod(client: Kube, kubectl: Path, tmp_path: Path) -> None:
    line = json.dumps({"ok": True, "seconds": 0.1, "addresses": ["10.0.0.1"]})
    answers(tmp_path, dns={"out": line + "\n"})
    inside = ProbePod(client, kubectl, "shop", "probe:1")
    found = inside.dns("web", timeout=2)
    assert (found.ok, found.addresses, found.error) == (True, ("10.0.0.1",), "")
    argv, _ = asked(tmp_path)
    assert argv[:3] == [f"--kubeconfig={client.kubeconfig}", "--context=fake", "--namespace=shop"]
    assert argv[3:] == ["exec", inside.name, "--", "/probe", "dns", "web", "--timeout=2s"]


def test_secrets_travel_by_standard_input(client: Kube, kubectl: Path, tmp_path: Path) -> None:
    answers(tmp_path, sql={"out": '{"ok": true, "tls": true}'}, http={"out": '{"ok": true}'})
    inside = ProbePod(client, kubectl, "shop", "probe:1")
    assert inside.sql("postgresql+psycopg://u:s3cret@h/d").tls
    argv, stdin = asked(tmp_path)
    assert "s3cret" not in " ".join(argv)
    assert stdin == "postgresql://u:s3cret@h/d\n"
    inside.http("POST", "http://web/", headers={"Authorization": "Bearer s3cret"}, body="b0dy")
    argv, stdin = asked(tmp_path)
    assert "s3cret" not in " ".join(argv)
    assert "b0dy" not in " ".join(argv)
    assert stdin == "Authorization: Bearer s3cret\r\n\r\nb0dy"


@pytest.mark.parametrize(("name", "value"), [("a", "b\r\nc: d"), ("a: b", "c")])
def test_headers_that_would_be_two(client: Kube, kubectl: Path, name: str, value: str) -> None:
    with pytest.raises(ValueError, match="not a header"):
        ProbePod(client, kubectl, "shop", "p").http("GET", "http://web/", headers={name: value})


def test_refusals_are_results_not_errors(client: Kube, kubectl: Path, tmp_path: Path) -> None:
    told = {"ok": False, "error": "refused", "message": "connection refused", "seconds": 0.1}
    answers(tmp_path, tcp={"out": json.dumps(told)})
    found = ProbePod(client, kubectl, "shop", "p").tcp("web", 81)
    assert (found.ok, found.error) == (False, "refused")


@pytest.mark.parametrize(
    "said", [{"out": "oops"}, {"code": 2, "err": "usage: probe"}, {"out": "[]"}]
)
def test_broken_probe_is_an_error(
    client: Kube, kubectl: Path, tmp_path: Path, said: dict[str, object]
) -> None:
    answers(tmp_path, dns=said)
    with pytest.raises(results.ProbeBrokenError, match="dns web"):
        ProbePod(client, kubectl, "shop", "p").dns("web")


@pytest.mark.parametrize(
    "said",
    [
        {"code": 1, "err": 'Error from server (NotFound): pods "p" not found'},
        {"code": 126, "err": "OCI runtime exec failed: no such file"},
        {"code": 1, "err": "error: unable to upgrade connection"},
    ],
)
def test_program_that_was_not_run(
    client: Kube, kubectl: Path, tmp_path: Path, said: dict[str, object]
) -> None:
    answers(tmp_path, x={**said, "err": f"{said['err']} t0psecret"})
    with pytest.raises(ExecError) as caught:
        Exec(client, kubectl, Redactor(["t0psecret"])).run("shop", "p", ["run", "x"])
    assert "t0psecret" not in str(caught.value)


def test_program_that_fails_is_a_result(client: Kube, kubectl: Path, tmp_path: Path) -> None:
    answers(tmp_path, x={"code": 1, "out": "a", "err": "no\ncommand terminated with exit code 1"})
    found = Exec(client, kubectl).run("shop", "p", ["run", "x"], container="main")
    assert (found.exit_code, found.stdout) == (1, "a")
    assert "--container=main" in asked(tmp_path)[0]


@pytest.mark.parametrize(
    ("told", "code", "refusal"),
    [
        ({"status": "Success"}, 0, ""),
        ({"details": {"causes": [{"reason": "ExitCode", "message": "7"}]}}, 7, ""),
        ({"status": "Failure", "message": "no such file"}, None, "no such file"),
        (None, None, "without a word"),
    ],
)
def test_last_word_of_a_stream(told: object, code: int | None, refusal: str) -> None:
    found, why = exit_of(json.dumps(told).encode() if told else b"")
    assert found == code
    assert refusal in why


def test_server_that_knows_no_stream_runs_nothing(client: Kube) -> None:
    came = stream(client, "shop", "p", ["x"], container="", stdin=None, timeout=5)
    assert not came.began
    assert "404" in came.refusal


@pytest.mark.parametrize("step", ["compile", "image"])
def test_probe_that_cannot_be_built(step: str) -> None:
    failed = Completed(("go",), 1, "", "go: no such module", 1.0)
    error = image.ProbeNotBuiltError(step, CommandFailedError(failed, Redactor()))
    assert step in error.needed
    assert "no such module" in error.seen
    assert ("GOPROXY" in error.fix) is (step == "compile")
