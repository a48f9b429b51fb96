"""A shop to plan for, and an engine that a script plays: it tells what it was asked."""

from __future__ import annotations

import json
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import record_support
from record_support import make_shop

from harness.cache import Cache
from harness.images.build import Builder
from harness.images.project import spec_of
from harness.progress import Progress
from harness.project import Project
from harness.supply.bases import Bases
from harness.supply.engine import Engine

HOST = "unix:///nowhere.sock"
SECRET = "hunter2-of-the-shop"
FEATURES = {
    "static": "@FR-1 @static\nFeature: Fit\n  Scenario: It fits\n    Then it sells\n",
    "images": "@FR-1\nFeature: Images\n  Scenario: The api starts\n    Then it sells\n",
    "cluster": """\
@cluster
Feature: Deployed

  @FR-2
  Scenario: A sale
    Given a shop
    Then it sells

  @FR-1 @extended
  Scenario: A long one
    Then it sells

  @FR-1
  Scenario: A condition
    Given a counter
    Then it sells
""",
}
STEPS = """
from harness.plan.foresight import skips_when

@pytest.fixture
@skips_when(lambda settings: "there is no counter" if settings.port == 0 else "")
def absent():
    pytest.skip("there is no counter")
"""
MORE = """
[images.api.bases]
BASE = "python:3.12-slim"

[database]
env = "SHOP_DATABASE"

[secrets.signing]
env = "SHOP_SIGNING"

[values]
"image.tag" = "${images.api.tag}"
"word" = "hello"
"empty" = ""
"port" = "${cluster.node_port}"
"apiKey" = "a-literal-key"
"existingSecret" = "keys"
"secrets.url" = "${database.url}"
"secrets.signing" = "${secrets.signing}"

[requirements]"""
TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-config
data:
  word: {{ .Values.word | quote }}
  tag: {{ .Values.image.tag | quote }}
  leaked: {{ .Values.password | quote }}
---
apiVersion: v1
kind: Secret
metadata:
  name: keys
stringData:
  url: {{ .Values.secrets.url | quote }}
  fixed: %s
"""
_DOCKER = """#!{python} -IS
import json, pathlib, sys
here, argv = pathlib.Path({folder!r}), sys.argv[1:]
assert argv.pop(0) == "--host" and argv.pop(0) == {host!r}
with (here / "calls").open("a") as log:
    log.write(json.dumps(argv) + "\\n")
images = json.loads((here / "images").read_text())
if argv[0] == "version":
    print(json.dumps({{"Server": {{"Version": "27.1.0"}}}}))
elif argv[:2] == ["build", "--help"]:
    print("--secret")
elif argv[0] == "build":
    pairs = [argv[n + 1] for n, word in enumerate(argv) if word == "--label"]
    images[argv[argv.index("--tag") + 1]] = dict(pair.split("=", 1) for pair in pairs)
    (here / "images").write_text(json.dumps(images))
elif argv[0] == "ps":
    print((here / "containers").read_text())
elif argv[0] == "info":
    print()
elif argv[:2] == ["image", "inspect"] and argv[-1] in images:
    labels = images[argv[-1]]
    name, told = "sha256:" + argv[-1], json.dumps(labels)
    shown = {{"{{{{.Id}}}}": name, "{{{{json .Config.Labels}}}}": told}}
    whole = json.dumps([{{"Id": name, "Config": {{"Labels": labels}}}}])
    print(shown[argv[argv.index("--format") + 1]] if "--format" in argv else whole)
else:
    sys.exit(1)
"""


@dataclass(frozen=True)
class Docker:
    """The script: which images and containers it has, and what it was asked."""

    folder: Path

    @property
    def client(self) -> Path:
        return self.folder / "docker"

    def has(self, *images: str, containers: str = "") -> None:
        (self.folder / "images").write_text(json.dumps({image: {} for image in images}))
        (self.folder / "containers").write_text(containers)

    def build(self, project: Path) -> str:
        """Build the shop's image as a run does; return its name."""
        engine = Engine(self.client, HOST, "27.1.0", "played")
        cache, progress = Cache(self.folder / "cache"), Progress(quiet=True)
        bases = Bases(engine, cache, progress, {})
        built = Builder(engine, bases, cache, progress, {}).build(
            spec_of(Project.load(project), "api")
        )
        return built.ref

    def changes(self) -> list[list[str]]:
        """Return what it was told to do beside being asked."""
        asked = (["version"], ["build", "--help"], ["ps"], ["info"], ["image", "inspect"])
        calls = [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]
        return [call for call in calls if not any(call[: len(a)] == a for a in asked)]


def make_docker(folder: Path) -> Docker:
    """Put the script into a folder."""
    folder.mkdir()
    docker = Docker(folder)
    docker.client.write_text(_DOCKER.format(python=sys.executable, folder=str(folder), host=HOST))
    docker.client.chmod(docker.client.stat().st_mode | stat.S_IXUSR)
    docker.has()
    return docker


def make_planned_shop(
    pytester: pytest.Pytester, project_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """Put a shop of three features into the folder of a test; no engine is there, nor Helm."""
    description = project_dir / "deploy.toml"
    description.write_text(description.read_text().replace("\n[requirements]", MORE))
    for name, text in {
        "chart/values.yaml": f"word: hi\npassword: {SECRET}\n",
        "chart/templates/all.yaml": TEMPLATE % SECRET,
        "api/Dockerfile": "ARG BASE=python:3.12-slim\nFROM ${BASE}\nCOPY main.py /\n",
        "api/main.py": "",
    }.items():
        (project_dir / name).parent.mkdir(exist_ok=True)
        (project_dir / name).write_text(text)
    plugins = [*record_support.PLUGINS, "changed", "plan"]
    monkeypatch.setattr(record_support, "PLUGINS", plugins)
    make_shop(pytester, project_dir, FEATURES)
    conftest = pytester.path / "conftest.py"
    text = conftest.read_text()
    fixture = '@pytest.fixture\ndef absent():\n    pytest.skip("there is no counter")\n'
    assert fixture in text
    text = text.replace(fixture, STEPS)
    text = text.replace("def sells(): ...", 'def sells(): open("sold", "w").close()')
    conftest.write_text(text)
    monkeypatch.delenv("CI", raising=False)
    # What the run was told that runs these tests is not what a plan in them is told.
    for name in [name for name in os.environ if name.startswith(("SHOP_", "DEPLOY_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DEPLOY_CACHE_DIR", str(pytester.path / "cache"))
    monkeypatch.setenv("DEPLOY_DOCKER", str(pytester.path / "no-docker"))
    monkeypatch.setenv("DOCKER_HOST", HOST)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return pytester
