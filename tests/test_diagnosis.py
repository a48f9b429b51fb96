"""What is written down after a failure: all there is to see, no secret, and never a failure."""

from __future__ import annotations

import base64
import json
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from kube_support import CONTEXT, FakeApi, deployment, event, pod, service, waiting

from harness import diagnosis
from harness.deployment import Deployment
from harness.errors import DeployError
from harness.helm import Helm
from harness.images.failure import BuildFailedError, Failure
from harness.images.project import ProjectImages
from harness.images.spec import ImageSpec
from harness.jobs import Jobs
from harness.redact import MASK, Redactor

ROOT = Path(__file__).parents[1]
BASE = "/api/v1/namespaces/shop"
APPS = "/apis/apps/v1/namespaces/shop"

# Only the cluster's Secret knows the first two; nobody but the form itself tells the others.
KEY = "k3y/of+the%shop"
PASSWORD = "pa55 w0rd"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJyZWFsIn0.c2lnbmF0dXJlLW9mLWl0"
BEARER = "0paque-t0ken-of-someone"
FORMS = {
    "plain": KEY,
    "base64": base64.b64encode(KEY.encode()).decode(),
    "base64 inside": base64.b64encode(f"user:{KEY}@db".encode()).decode(),
    "percent": quote(KEY, safe=""),
    "json": json.dumps({"key": KEY}),
    "with a space": f"the word is {PASSWORD}, really",
    "url": "postgresql://app:unt0ld@db.example/app",
    "bearer": f"Authorization: Bearer {BEARER}",
    "jwt": f"cookie={JWT}",
    "assigned": "SMTP_PASSWORD=m4il-s3cret",
}
ALL = "\n".join(FORMS.values())
# What must be found nowhere, also of what is encoded.
NEVER = (
    *(KEY, quote(KEY, safe=""), PASSWORD, "unt0ld", BEARER, JWT, "m4il-s3cret"),
    base64.b64encode(KEY.encode()).decode().rstrip("=")[:-1],
    base64.b64encode(f"user:{KEY}@db".encode()).decode()[8:24],
)
CAUSE = "container main to keep running: it ended with exit code 3"


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!{sys.executable} -IS\nimport sys\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def helm(folder: Path) -> Path:
    """Return a Helm that tells of a release with secrets in it."""
    secret = {"kind": "Secret", "metadata": {"name": "s"}, "stringData": {"url": FORMS["url"]}}
    manifest = (
        json.dumps(secret) + "\n---\n" + json.dumps({"kind": "ConfigMap", "data": {"a": ALL}})
    )
    values = {"secrets": {"plain": "only-by-its-key"}, "env": ALL, "replicas": 2}
    history = [{"revision": 7, "status": "failed", "description": ALL}]
    said = {"values": json.dumps(values), "manifest": manifest, "history": json.dumps(history)}
    return program(
        folder / "helm",
        f"said = {said!r} | {{'version': 'v4.2.4'}}\n"
        "print(said[sys.argv[2 if sys.argv[1] == 'get' else 1]])",
    )


class Said:
    """A container beside the cluster."""

    name, status, labels = "shop-database", "running", {"io.deploy-harness.role": "database"}

    def logs(self, **_: object) -> bytes:
        return ALL.encode()


@pytest.fixture
def api() -> Iterator[FakeApi]:
    api = FakeApi()
    for kind in ("pods", "services", "events", "secrets", "configmaps", "resourcequotas"):
        api.objects[f"{BASE}/{kind}"] = {}
    broken = pod(state=waiting("CrashLoopBackOff"), restarts=1, last={"exitCode": 3, "reason": "E"})
    broken["spec"]["containers"][0]["env"] = [{"name": "URL", "value": ALL}]
    broken["metadata"]["annotations"] = {"note": " ".join(FORMS.values())}
    api.put(f"{BASE}/pods", broken)
    api.put(f"{APPS}/deployments", deployment(ready=0))
    api.put(f"{BASE}/services", service())
    api.put(f"{BASE}/events", event(broken, "Unhealthy", ALL))
    api.put(f"{BASE}/configmaps", {"metadata": {"name": "c"}, "data": {"text": ALL}})
    data = {"key": KEY, "password": PASSWORD, "username": "Running"}
    encoded = {name: base64.b64encode(value.encode()).decode() for name, value in data.items()}
    api.put(f"{BASE}/secrets", {"metadata": {"name": "s"}, "data": encoded})
    api.texts[f"{BASE}/pods/web-1/log"] = ALL
    yield api
    api.close()


def made(api: FakeApi, folder: Path, redact: Redactor, **settings: Any) -> Any:
    """Return what the diagnosis reads of a deployment, with real clients of what is faked."""
    folder.mkdir(exist_ok=True)
    kubeconfig = api.kubeconfig(folder)
    kubectl = program(folder / "kubectl", f"print({ALL!r})")
    project = SimpleNamespace(chart=SimpleNamespace(release="shop"), images={})
    defaults = {"artifacts": folder / "out", "namespace": "shop", "cluster_name": "deploy-shop"}
    client, bound = api.client(folder), Helm(helm(folder), kubeconfig, CONTEXT, folder, redact)
    access = SimpleNamespace(kubeconfig=kubeconfig, context=CONTEXT, kubernetes_version="v1.34.4")
    listed = SimpleNamespace(list=lambda **_: [Said()])
    return SimpleNamespace(
        settings=SimpleNamespace(project=project, **(defaults | settings)),
        redact=redact,
        kube=lambda: client,
        helm=lambda: bound,
        cluster=lambda: access,
        tools=SimpleNamespace(kubectl=kubectl, kind=kubectl),
        engine=SimpleNamespace(
            version="27", reason="r", sdk=lambda: SimpleNamespace(containers=listed)
        ),
        provider=SimpleNamespace(describe=lambda: {"name": "deploy-shop"}),
    )


def everything(folder: Path) -> dict[str, str]:
    return {str(f.relative_to(folder)): f.read_text() for f in folder.rglob("*") if f.is_file()}


def test_it_tells_all_there_is_to_see(api: FakeApi, tmp_path: Path) -> None:
    written = diagnosis.write(made(api, tmp_path, Redactor()), "a_sale", AssertionError("no sale"))
    files = everything(written.folder)
    expected = {
        "summary.txt", "logs/web-1-main.log", "logs/web-1-main-previous.log", "versions.txt",
        "objects/pod-web-1.yaml", "objects/secret-s.yaml", "objects/deployment-web.yaml",
        "helm/history.txt", "helm/values.yaml", "helm/manifest.yaml", "beside.log",
        "describe/pods.txt", "describe/nodes.txt",
    }  # fmt: skip
    assert expected <= set(files)
    assert files["summary.txt"].splitlines()[0].startswith(f"CAUSE: {CAUSE}")
    assert "SEEN:  AssertionError: no sale" in files["summary.txt"]
    assert "NO READY ENDPOINT" in files["summary.txt"]
    assert "database" in files["beside.log"]
    assert "replicas: 2" in files["helm/values.yaml"]
    assert files["helm/history.txt"].startswith("7 ")
    for name in ("harness", "python", "kubernetes", "helm", "kind", "engine", "cluster name"):
        assert f"\n{name} " in "\n" + files["versions.txt"]


def test_a_cause_that_is_known_comes_first(api: FakeApi, tmp_path: Path) -> None:
    error = DeployError(needed="a shop", seen="none", looked="-", fix="-")
    written = diagnosis.write(made(api, tmp_path, Redactor()), "x", error)
    assert written.cause == "a shop: none"
    assert (written.folder / "summary.txt").read_text().startswith("CAUSE: a shop: none\n")


def test_without_a_cause_the_failure_itself_comes_first(api: FakeApi, tmp_path: Path) -> None:
    api.remove(f"{BASE}/pods", "web-1")
    lost = diagnosis.write(made(api, tmp_path, Redactor()), "y", AssertionError("no sale"))
    assert "there is no pod at all" in lost.cause
    api.remove(f"{BASE}/services", "web")
    written = diagnosis.write(made(api, tmp_path, Redactor()), "x", AssertionError("no sale"))
    assert written.cause == "", "a guess would only say the failure again"
    text = (written.folder / "summary.txt").read_text()
    assert text.startswith("CAUSE: AssertionError: no sale\n\n")


def test_no_secret_is_in_the_folder(api: FakeApi, tmp_path: Path) -> None:
    written = diagnosis.write(made(api, tmp_path, Redactor()), "x", AssertionError(ALL))
    for name, text in everything(written.folder).items():
        assert not [secret for secret in (*NEVER, "only-by-its-key") if secret in text], name
        if name in ("logs/web-1-main.log", "helm/manifest.yaml", "beside.log"):
            assert text.count(MASK) >= len(FORMS), f"{name} holds nothing that could be found"
    assert "Running" in everything(written.folder)["summary.txt"], "a user's name is no secret"
    assert not [secret for secret in NEVER if secret in written.cause]


def test_what_cannot_be_had_is_said_and_stops_nothing(api: FakeApi, tmp_path: Path) -> None:
    bare = made(api, tmp_path, Redactor())
    bare.tools.kubectl.unlink()
    bare.engine.sdk = lambda: 1 / 0
    api.refusals[f"{BASE}/pods"] = 403
    written = diagnosis.write(bare, "x", AssertionError("y"))
    summary = (written.folder / "summary.txt").read_text()
    for words in ("pods: ", "describe/pods.txt: ", "beside.log: ZeroDivisionError"):
        assert f"  {words}" in summary
    assert "helm/values.yaml" in everything(written.folder)


def test_a_cluster_that_is_silent_is_asked_once(api: FakeApi, tmp_path: Path) -> None:
    api.close()
    written = diagnosis.write(made(api, tmp_path, Redactor()), "x", AssertionError("y"))
    assert sum("not asked, since" in line for line in written.unread) > 5


def test_nothing_can_be_written(api: FakeApi, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    written = diagnosis.write(made(api, tmp_path, Redactor(), artifacts=tmp_path / "file"), "x")
    assert any("summary.txt" in line for line in written.unread)


@pytest.mark.parametrize(
    ("wanted", "failed", "well"),
    [("always", True, True), ("on-failure", True, False), ("never", False, False)],
)
def test_when_it_is_written(
    api: FakeApi, tmp_path: Path, wanted: str, *, failed: bool, well: bool
) -> None:
    shop = made(api, tmp_path, Redactor(), diagnosis=wanted)
    assert bool(Deployment.diagnose(shop, "x", AssertionError("no sale"))) is failed
    assert (tmp_path / "out/diagnosis/x/summary.txt").exists() is failed
    assert bool(Deployment.diagnose(shop, "end")) is well
    assert (tmp_path / "out/diagnosis/end/summary.txt").exists() is well


def test_the_log_of_a_failed_build_is_kept(tmp_path: Path) -> None:
    spec = ImageSpec("api", tmp_path, "shop-api")
    failure = Failure("1/2", None, ("boom",), "exit code: 1")
    output = "\n".join(f"#1 line {number} hunter22" for number in range(500))

    class Fails:
        def build(self, _: ImageSpec) -> None:
            raise BuildFailedError(spec, failure, Redactor(["hunter22"]), output)

    image = SimpleNamespace(
        context=".", repository="shop-api", dockerfile="Dockerfile", build_args={}, bases={}
    )
    project: Any = SimpleNamespace(root=tmp_path, images={"api": image})
    fails: Any = Fails()
    images = ProjectImages(project, fails, Jobs(), tmp_path / "diagnosis")
    with pytest.raises(BuildFailedError) as caught:
        images.get("api")
    folder = tmp_path / "diagnosis" / "image-api"
    log = (folder / "build.log").read_text()
    assert "line 0 " in log
    assert "line 499 " in log
    assert "hunter22" not in log
    assert (folder / "summary.txt").read_text().startswith("CAUSE: image api to build")
    assert str(folder) in str(caught.value)


FEATURE = """\
@FR-1
Feature: Selling

  Scenario: A sale
    Given a shop
    Then it sells
"""
STEPS = """\
import pathlib, sys
sys.path.insert(0, {tests!r})
import pytest
from pytest_bdd import given, then
from plugin.console import REDACT
from plugin.failures import DIAGNOSE

@pytest.fixture
def release(pytestconfig):
    import test_diagnosis
    from harness import diagnosis
    api = test_diagnosis.SERVED[-1]
    made = test_diagnosis.made(api, pathlib.Path("made"), pytestconfig.stash[REDACT])
    pytestconfig.stash[DIAGNOSE] = lambda name, error: {diagnose}
    yield
    pathlib.Path("torn-down").touch()

@given("a shop")
def shop(release): ...

@then("it sells")
def sells():
    import test_diagnosis
    print(test_diagnosis.ALL)
    print(test_diagnosis.ALL, file=sys.stderr)
    assert not pathlib.Path("torn-down").exists()
    assert not test_diagnosis.ALL, test_diagnosis.ALL
"""
SERVED: list[FakeApi] = []


@pytest.fixture
def shop(pytester: pytest.Pytester, project_dir: Path, api: FakeApi) -> Iterator[pytest.Pytester]:
    """A project whose one scenario fails with secrets in all it says."""
    for item in project_dir.iterdir():
        item.rename(pytester.path / item.name)
    (pytester.path / "features").mkdir()
    (pytester.path / "features" / "selling.feature").write_text(FEATURE)
    pytester.makeini(
        f"[pytest]\npythonpath = {ROOT}\ntestpaths = features\n"
        "addopts = -p no:pytest-kind -p no:helm-charts -p no:anyio --strict-markers\n"
        "markers =\n    deploy: x\n    requirement(id): x\n"
    )
    sys.modules["test_diagnosis"] = sys.modules[__name__]
    SERVED.append(api)
    yield pytester
    SERVED.pop()


def run(shop: pytest.Pytester, diagnose: str, *args: str) -> tuple[pytest.RunResult, str]:
    """Run the scenario; return its result and its JUnit report."""
    modules = ["options", "console", "features", "binding", "failures", "summary"]
    plugins = [f"plugin.{name}" for name in modules]
    steps = STEPS.format(tests=str(Path(__file__).parent), diagnose=diagnose)
    shop.makeconftest(f"pytest_plugins = {plugins!r}\n{steps}")
    result = shop.runpytest_inprocess("--junitxml=junit.xml", *args)
    return result, (shop.path / "junit.xml").read_text()


@pytest.mark.parametrize("more", [(), ("-vv",), ("-s",)], ids=["brief", "all", "uncaptured"])
def test_no_secret_is_on_the_terminal_or_in_junit(
    shop: pytest.Pytester, more: tuple[str, ...]
) -> None:
    result, junit = run(shop, "diagnosis.write(made, name, error)", *more)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"cause?*{CAUSE}*", "note:*all that was there to see is in *"])
    shown = {"junit": junit, "folder": "".join(everything(shop.path / "made/out").values())}
    if "-s" not in more:  # what a test prints past the capture is its own
        shown["terminal"] = result.stdout.str() + result.stderr.str()
    for name, text in shown.items():
        assert MASK in text
        assert not [secret for secret in NEVER if secret in text], name


def test_a_diagnosis_that_fails_hides_nothing(shop: pytest.Pytester) -> None:
    result, _ = run(shop, "1 / 0")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["step:   Then it sells", "E*AssertionError*", "note:   no diagnosis could be written: Z*"]
    )


def test_no_diagnosis_is_wanted(shop: pytest.Pytester) -> None:
    result, _ = run(shop, "None")
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("note:*")
