"""How releases are acted on, and what is said when it fails; Helm is a fake that records."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.command import CommandMissingError
from harness.helm import (
    ChartMissingError,
    ClusterUnreachableError,
    Helm,
    ReleaseFailedError,
    ReleaseMissingError,
    TestFailedError,
    ValuesRefusedError,
)
from harness.progress import Progress
from harness.redact import Redactor

SECRET = "sign-with-this-secret"
VALUES = {"secrets": {"signing": SECRET}, "replicas": 2}
NOT_FOUND = {"stderr": "Error: release: not found\n", "code": 1}

PROGRAM = """\
#!{python} -SE
import json, os, sys
folder, words = {folder!r}, sys.argv[1:]
values = sys.stdin.read() if "-" in words else None
home = {{k: v for k, v in os.environ.items() if k.startswith(("HELM_", "KUBE"))}}
with open(folder + "/calls", "a") as file:
    file.write(json.dumps([words, values, home]) + "\\n")
name = folder + "/" + words[0]
turn = sum(json.loads(line)[0][0] == words[0] for line in open(folder + "/calls"))
answers = json.load(open(name)) if os.path.exists(name) else [{{}}]
answer = answers[min(turn, len(answers)) - 1]
sys.stdout.write(answer.get("stdout", ""))
sys.stderr.write(answer.get("stderr", ""))
sys.exit(answer.get("code", 0))
"""


class Fake:
    """A program `helm` that answers as told, by the first word of its arguments."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.binary = folder / "helm"
        self.binary.write_text(PROGRAM.format(python=sys.executable, folder=str(folder)))
        self.binary.chmod(0o755)
        self.answer("version", {"stdout": "v4.2.4"})

    def answer(self, command: str, *answers: dict[str, Any]) -> None:
        (self.folder / command).write_text(json.dumps(answers))

    def history(self, *histories: tuple[str, ...]) -> None:
        self.answer("history", *(_history(statuses) for statuses in histories))

    def calls(self, *commands: str) -> list[list[str]]:
        lines = (self.folder / "calls").read_text().splitlines()
        words = [json.loads(line)[0] for line in lines]
        return [each for each in words if not commands or each[0] in commands]

    def last(self) -> tuple[list[str], str | None, dict[str, str]]:
        words, values, home = json.loads((self.folder / "calls").read_text().splitlines()[-1])
        return words, values, home


def _history(statuses: tuple[str, ...]) -> dict[str, Any]:
    if not statuses:
        return NOT_FOUND
    entries = [
        {"revision": number, "status": status, "chart": "shop-1.0.0", "description": "why"}
        for number, status in enumerate(statuses, 1)
    ]
    return {"stdout": json.dumps(entries)}


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    folder = tmp_path / "fake"
    folder.mkdir()
    return Fake(folder)


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def helm(fake: Fake, tmp_path: Path, said: io.StringIO) -> Helm:
    home = tmp_path / "home"
    redact = Redactor([SECRET])
    return Helm(fake.binary, tmp_path / "kc", "kind-x", home, redact, Progress(said))


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 1.2.3\n")
    return folder


def install(helm: Helm, chart: Path, **options: Any) -> Any:
    return helm.upgrade_install(chart, "rel", "ns", VALUES, timeout=90.2, **options)


@pytest.mark.parametrize(
    ("text", "expected"), [("v4.2.4+g1", (4, 2, 4)), ("v3.19.0", (3, 19, 0)), ("v4.2", (4, 2))]
)
def test_the_version_is_asked_once(
    fake: Fake, helm: Helm, text: str, expected: tuple[int, ...]
) -> None:
    fake.answer("version", {"stdout": text})
    assert (helm.version, helm.version) == (expected, expected)
    assert len(fake.calls("version")) == 1


def test_cluster_and_files_are_named_in_every_call(
    fake: Fake, helm: Helm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/somebody/else")
    monkeypatch.setenv("HELM_KUBEAPISERVER", "https://somewhere.else")
    monkeypatch.setenv("HELM_NAMESPACE", "elsewhere")
    fake.history(("deployed",))
    helm.history("rel", "ns")
    words, _, home = fake.last()
    assert words[words.index("--kubeconfig") + 1] == str(tmp_path / "kc")
    assert words[words.index("--kube-context") + 1] == "kind-x"
    assert words[words.index("--namespace") + 1] == "ns"
    assert not {"KUBECONFIG", "HELM_NAMESPACE"} & home.keys()
    assert home["HELM_KUBEAPISERVER"] == ""
    for kind in ("CACHE", "CONFIG", "DATA"):
        assert home[f"HELM_{kind}_HOME"].startswith(str(tmp_path / "home"))


def test_values_go_in_by_standard_input_and_are_nowhere_else(
    fake: Fake, helm: Helm, chart: Path, tmp_path: Path
) -> None:
    fake.history((), ("deployed",))
    install(helm, chart)
    calls = [json.loads(line) for line in (fake.folder / "calls").read_text().splitlines()]
    (words, values, _), *_ = [call for call in calls if call[0][0] == "upgrade"]
    assert json.loads(values) == VALUES
    assert not [word for call in calls for word in call[0] if SECRET in word]
    files = [
        path for path in tmp_path.rglob("*") if path.is_file() and path != fake.folder / "calls"
    ]
    assert not [path for path in files if SECRET in path.read_text(errors="replace")]
    assert words[:4] == ["upgrade", "rel", str(chart), "--install"]


def test_installing_does_not_wait_unless_asked(fake: Fake, helm: Helm, chart: Path) -> None:
    fake.history((), ("deployed",))
    revision = install(helm, chart)
    assert (revision.number, revision.status) == (1, "deployed")
    words = fake.calls("upgrade")[0]
    assert words[words.index("--timeout") + 1] == "91s"
    assert "--wait" not in words
    assert "--create-namespace" not in words
    assert {"--reset-values", "--hide-notes", "--force-conflicts"} <= set(words)
    install(helm, chart, wait=True, create_namespace=True)
    assert {"--wait", "--create-namespace"} <= set(fake.calls("upgrade")[1])


def test_helm_3_is_not_given_what_only_helm_4_knows(fake: Fake, helm: Helm, chart: Path) -> None:
    fake.answer("version", {"stdout": "v3.19.2"})
    fake.history((), ("deployed",))
    install(helm, chart)
    helm.rollback("rel", "ns", timeout=5)
    helm.uninstall("rel", "ns", timeout=5)
    for words in fake.calls("upgrade", "rollback", "uninstall"):
        assert not [w for w in words if w.startswith(("--force-conflicts", "--server-side"))]
        assert "--wait=legacy" not in words


def test_lines_are_passed_on(fake: Fake, helm: Helm, chart: Path) -> None:
    lines: list[str] = []
    fake.history((), ("deployed",))
    fake.answer("upgrade", {"stdout": "one\ntwo\n"})
    install(helm, chart, on_line=lines.append)
    assert lines == ["one", "two"]


def test_a_release_that_is_not_there(fake: Fake, helm: Helm) -> None:
    for command in ("history", "uninstall", "rollback", "get", "test"):
        fake.answer(command, NOT_FOUND)
    assert helm.history("rel", "ns") == []
    assert helm.status("rel", "ns") is None
    assert helm.uninstall("rel", "ns", timeout=5) is False
    for ask in (
        lambda: helm.rollback("rel", "ns", timeout=5),
        lambda: helm.get_values("rel", "ns"),
        lambda: helm.get_manifest("rel", "ns"),
        lambda: helm.test("rel", "ns", timeout=5),
    ):
        with pytest.raises(ReleaseMissingError, match="release rel in namespace ns"):
            ask()


def test_what_is_installed_can_be_read(fake: Fake, helm: Helm) -> None:
    fake.answer("get", {"stdout": '{"a": 1}'}, {"stdout": "null"}, {"stdout": "kind: Pod\n"})
    assert helm.get_values("rel", "ns", computed=True) == {"a": 1}
    assert helm.get_values("rel", "ns") == {}
    assert helm.get_manifest("rel", "ns", 3) == "kind: Pod\n"
    assert ["--all" in words for words in fake.calls("get")] == [True, False, False]
    assert fake.calls("get")[2][-2:] != ["--revision", "3"]  # the cluster is named last
    assert "--revision" in fake.calls("get")[2]


def test_rolling_back_and_removing(fake: Fake, helm: Helm) -> None:
    fake.history(("superseded", "deployed"))
    assert helm.rollback("rel", "ns", 1, timeout=5, wait=True).number == 2
    assert fake.calls("rollback")[0][:3] == ["rollback", "rel", "1"]
    assert helm.uninstall("rel", "ns", timeout=5) is True
    assert {"foreground", "--wait=legacy"} <= set(fake.calls("uninstall")[0])
    helm.uninstall("rel", "ns", timeout=5, wait=False)
    assert not [word for word in fake.calls("uninstall")[1] if word.startswith("--wait")]


@pytest.mark.parametrize(
    ("statuses", "manifest", "action", "words"),
    [
        (("deployed", "pending-upgrade"), "", ["rollback", "rel", "1"], "revision 1 is restored"),
        (("deployed", "failed"), "", ["rollback", "rel", "1"], "had failed (why); revision 1"),
        (("pending-install",), "kind: Pod", ["uninstall", "rel"], "it is removed first"),
        (
            ("pending-install",),
            "kind: PersistentVolumeClaim",
            ["rollback", "rel", "1"],
            "revision 1 was interrupted; revision 1 is restored",
        ),
        (("uninstalling",), "", ["uninstall", "rel"], "removal of revision 1 was interrupted"),
    ],
)
def test_what_was_interrupted_is_mended_first(
    fake: Fake,
    helm: Helm,
    chart: Path,
    said: io.StringIO,
    statuses: tuple[str, ...],
    manifest: str,
    action: list[str],
    words: str,
) -> None:
    fake.history(statuses, ("deployed",))
    fake.answer("get", {"stdout": manifest})
    install(helm, chart)
    acted = fake.calls("rollback", "uninstall", "upgrade")
    assert acted[0][: len(action)] == action
    assert [each[0] for each in acted] == [action[0], "upgrade"]
    assert words in said.getvalue()


@pytest.mark.parametrize(
    ("statuses", "manifest"),
    [(("deployed",), ""), (("failed",), "kind: PersistentVolumeClaim"), ((), "")],
)
def test_what_helm_can_go_over_is_left_alone(
    fake: Fake, helm: Helm, chart: Path, statuses: tuple[str, ...], manifest: str
) -> None:
    fake.history(statuses, ("deployed",))
    fake.answer("get", {"stdout": manifest})
    install(helm, chart)
    assert not fake.calls("rollback", "uninstall")


def test_a_chart_that_is_missing_is_told_before_the_cluster_is_asked(
    fake: Fake, helm: Helm, tmp_path: Path
) -> None:
    with pytest.raises(ChartMissingError):
        install(helm, tmp_path / "nowhere")
    assert not (fake.folder / "calls").exists()


@pytest.mark.parametrize(
    ("message", "fix"),
    [
        ("invalid ownership metadata; key must equal", "another release or a person made"),
        ("another operation (install/upgrade/rollback) is in progress", "was interrupted"),
        ("nodePort: Invalid value: 30081: provided port is already allocated", "another Service"),
        ('resource mapping not found: no matches for kind "Foo"', "does not know that kind"),
        ("pre-upgrade hooks failed: 1 error occurred", "the log of the hook's pod"),
        ('secrets is forbidden: User "x" cannot create', "may not do that"),
        ("spec.selector: Invalid value: field is immutable", "uninstall the release"),
        ("context deadline exceeded", "more time"),
        ("something new", "see what Helm said"),
    ],
)
def test_a_refusal_of_the_cluster(
    fake: Fake, helm: Helm, chart: Path, message: str, fix: str
) -> None:
    fake.history(("deployed",))
    stderr = f'level=WARN msg="upgrade failed"\nError: UPGRADE FAILED: {message} {SECRET}\n'
    fake.answer("upgrade", {"stderr": stderr, "code": 1})
    with pytest.raises(ReleaseFailedError) as caught:
        install(helm, chart)
    assert caught.value.seen == f"{message} [redacted]"
    assert fix in caught.value.fix
    assert "release rel in namespace ns" in caught.value.needed


def test_a_chart_that_refuses_its_values_while_installing(
    fake: Fake, helm: Helm, chart: Path
) -> None:
    fake.history(())
    stderr = "Error: execution error at (shop/templates/v.yaml:1:4): set a.b to a number\n"
    fake.answer("upgrade", {"stderr": stderr, "code": 1})
    with pytest.raises(ValuesRefusedError) as caught:
        install(helm, chart)
    assert caught.value.seen == "set a.b to a number"


@pytest.mark.parametrize(
    "message",
    [
        "Kubernetes cluster unreachable: dial tcp 127.0.0.1:6443: connect: connection refused",
        'kubernetes cluster unreachable: context "kind-x" does not exist',
    ],
)
def test_a_cluster_that_does_not_answer(fake: Fake, helm: Helm, chart: Path, message: str) -> None:
    fake.answer("history", {"stderr": f"Error: {message}\n", "code": 1})
    with pytest.raises(ClusterUnreachableError) as caught:
        install(helm, chart)
    assert caught.value.seen == message
    assert "context kind-x" in caught.value.looked
    assert not fake.calls("upgrade")


def test_a_failed_test_says_what_its_pod_said(fake: Fake, helm: Helm) -> None:
    fake.answer("test", {"stdout": "http://a 500\n", "stderr": "Error: 1 error\n", "code": 1})
    with pytest.raises(TestFailedError) as caught:
        helm.test("rel", "ns", timeout=5)
    assert caught.value.seen == "http://a 500\n\n1 error"


def test_a_program_that_is_missing(tmp_path: Path, chart: Path) -> None:
    helm = Helm(tmp_path / "nohelm", tmp_path / "kc", "x", tmp_path)
    with pytest.raises(CommandMissingError, match="nohelm"):
        install(helm, chart)


def test_the_environment_is_not_changed(fake: Fake, helm: Helm) -> None:
    before = dict(os.environ)
    fake.history(("deployed",))
    helm.status("rel", "ns")
    assert dict(os.environ) == before
