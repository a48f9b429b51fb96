"""What is inferred of projects of several shapes, and for which reasons."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from chart_support import helm

from harness.command import environment
from harness.inference import SeveralChartsError, copied, described
from harness.inference.describing import infer
from harness.inference.facts import Facts
from harness.inference.writing import written
from harness.project import Project, ProjectFileInvalidError

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
CHART = "apiVersion: v2\nname: {}\nversion: 0.1.0\n"
WORKLOAD = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
        - name: {container}
          image: {image}
          ports: [{{containerPort: {port}}}]
---
apiVersion: v1
kind: Service
metadata:
  name: {name}
spec:
  selector: {{app: {name}}}
  ports: [{{port: {port}}}]
---
"""


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def inferred(root: Path) -> Facts:
    with copied(root) as folder:
        (folder.root / "deploy.toml").unlink(missing_ok=True)
        return infer(folder, helm())


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is inferred of this repository without its description, as the file would be read."""
    copy = tmp_path_factory.mktemp("own") / "repository"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if name.startswith(("helm/", "images/", "supply/", "tests/shop/", "tests/charts/")):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    return tomllib.loads(written(inferred(copy)))


GIVEN = tomllib.loads((ROOT / "deploy.toml").read_text())


def test_this_repository_is_inferred_as_it_is_described(own: dict[str, Any]) -> None:
    assert own["name"] == GIVEN["name"]
    assert own["chart"]["path"] == GIVEN["chart"]["path"]
    assert own["database"] == GIVEN["database"]
    assert own["services"] == GIVEN["services"]
    assert own["variants"]["database-inside"] == GIVEN["variants"]["database-inside"]
    assert own["variants"]["switched-on"] == GIVEN["variants"]["scaled"]


@pytest.mark.parametrize("name", sorted(GIVEN["images"]))
def test_images_of_this_repository(own: dict[str, Any], name: str) -> None:
    given = {k: v for k, v in GIVEN["images"][name].items() if k not in ("goal_mb", "env")}
    found = {k: v for k, v in own["images"][name].items() if k != "env"}
    assert found == given
    stood_in = {n for n, v in GIVEN["images"][name]["env"].items() if "standins" in v}
    env = {n: v for n, v in GIVEN["images"][name]["env"].items() if n not in stood_in}
    assert env.items() <= own["images"][name]["env"].items()


def test_values_of_this_repository(own: dict[str, Any]) -> None:
    given = {path: v for path, v in GIVEN["values"].items() if "standins" not in v}
    assert given.items() <= own["values"].items()
    # What a stand-in answers for cannot be told: it is a secret like others.
    assert own["secrets"]["cohere"]["env"] == "COHERE_API_KEY"


def test_what_is_written_is_a_valid_description(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "bookmarks", tmp_path / "b")
    facts = inferred(tmp_path / "b")
    (tmp_path / "b" / "deploy.toml").write_text(written(facts))
    project = Project.load(tmp_path / "b")
    assert project.images["api"].dockerfile == "Dockerfile.prod"
    assert project.services["api"].public, "an Ingress leads to it"
    assert project.database is not None
    assert project.database.name == "bookmarks"


def test_each_fact_has_a_reason_and_its_line_is_there() -> None:
    for fact in inferred(EXAMPLES / "bookmarks").facts.values():
        assert fact.why
        if fact.place is not None and fact.place.line is not None:
            lines = (EXAMPLES / "bookmarks" / fact.place.file).read_text().splitlines()
            assert 0 < fact.place.line <= len(lines), fact


def test_images_without_values_are_found_by_their_names(tmp_path: Path) -> None:
    root = write(tmp_path / "p", {
        "api/Dockerfile": "FROM python:3.12\nCOPY main.py .\nCMD uvicorn main:app --port 8000\n",
        "api/main.py": "app = F()\n@app.get('/api/health')\ndef h(): return {}\n",
        "web/Dockerfile": "FROM nginx:1\nCOPY index.html /usr/share/nginx/html/\n",
        "web/index.html": "",
        "chart/Chart.yaml": CHART.format("plain"),
        "chart/templates/all.yaml":
            WORKLOAD.format(name="a", container="api", image="plain-api:dev", port=8000)
            + WORKLOAD.format(name="w", container="web", image="plain-web:dev", port=80),
    })  # fmt: skip
    facts = inferred(root)
    assert facts.get("images", "api", "repository") == "plain-api"
    assert facts.get("images", "api", "health") == "/api/health"
    assert facts.get("images", "web", "port") == 80
    assert any("no value gives the tag" in remark for remark in facts.remarks)


def test_context_is_where_what_is_copied_lies(tmp_path: Path) -> None:
    root = write(tmp_path / "p", {
        "apps/api/Dockerfile": "FROM node:22\nCOPY package.json ./\nCOPY apps/api ./api\n",
        "apps/api/index.js": "app.get('/health', h); app.listen(4000)\n",
        "package.json": "{}",
        "infra/helm/x/Chart.yaml": CHART.format("x"),
        "infra/helm/x/values.yaml": "images:\n  backend: {repository: me/x-api, tag: '1'}\n",
        "infra/helm/x/templates/a.yaml": WORKLOAD.format(
            name="backend", container="app", port=4000,
            image="{{ .Values.images.backend.repository }}:{{ .Values.images.backend.tag }}",
        ),
    })  # fmt: skip
    facts = inferred(root)
    assert facts.get("images", "api", "context") == "."
    assert facts.get("images", "api", "dockerfile") == "apps/api/Dockerfile"
    assert facts.get("values", "images.backend.tag") == "${images.api.tag}"


def test_whole_references_and_what_a_chart_asks_for(tmp_path: Path) -> None:
    root = write(tmp_path / "p", {
        "Dockerfile": "FROM python:3.12\nEXPOSE 8000\n",
        "helm/Chart.yaml": CHART.format("site"),
        "helm/values.yaml": "image: site:1.0\nhost: ''\n",
        "helm/templates/a.yaml":
            "# {{ required \"host is required\" .Values.host }}\n"
            + WORKLOAD.format(name="s", container="s", image="{{ .Values.image }}", port=8000),
    })  # fmt: skip
    facts = inferred(root)
    assert facts.get("values", "image") == "${images.s.ref}"
    host = facts.facts["values", "host"]
    assert not host.sure
    assert "does not render without" in host.why


def test_two_charts_of_equal_rights_are_for_a_person_to_choose(tmp_path: Path) -> None:
    root = write(tmp_path / "p", {
        "Dockerfile": "FROM python:3.12\n",
        "a/Chart.yaml": CHART.format("a"), "b/Chart.yaml": CHART.format("b"),
    })  # fmt: skip
    with pytest.raises(SeveralChartsError) as caught:
        inferred(root)
    assert caught.value.seen.splitlines()[1:] == ["a", "b"]
    (root / "deploy.toml").write_text('[chart]\npath = "b"\n')
    with copied(root) as folder:
        found = described(folder, helm())
    assert found.project.chart.path == "b"
    assert found.source == "partly inferred"


def test_the_chart_that_names_what_is_built_is_chosen(tmp_path: Path) -> None:
    root = write(tmp_path / "p", {
        "shop/Dockerfile": "FROM python:3.12\n",
        "charts/shop/Chart.yaml": CHART.format("shop"),
        "charts/shop/values.yaml": "image: shop:1\n",
        "charts/monitor/Chart.yaml": CHART.format("monitor"),
    })  # fmt: skip
    facts = inferred(root)
    assert facts.get("chart", "path") == "charts/shop"
    assert any("charts/monitor" in remark for remark in facts.remarks)


def test_what_a_description_says_is_kept_and_the_rest_inferred(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "units", tmp_path / "u")
    (tmp_path / "u" / "deploy.toml").write_text(
        'name = "measures"\n[images.units]\nhealth = "/"\n[requirements]\n"R-1" = "It converts"\n'
    )
    with copied(tmp_path / "u") as folder:
        found = described(folder, helm())
    assert found.project.name == "measures"
    assert found.project.images["units"].health == "/"
    assert found.project.images["units"].port == 8080
    assert found.project.requirements == {"R-1": "It converts"}


def test_an_unknown_key_is_refused_before_anything_is_inferred(tmp_path: Path) -> None:
    (tmp_path / "deploy.toml").write_text('nmae = "x"\n')
    with copied(tmp_path) as folder, pytest.raises(ProjectFileInvalidError, match="nmae"):
        described(folder, None)


def test_without_helm_values_are_told_by_their_names() -> None:
    with copied(EXAMPLES / "units") as folder:
        facts = infer(folder, None)
    assert facts.get("values", "image.tag") == "${images.units.tag}"
    assert not facts.facts["values", "image.tag"].sure


def test_a_run_on_a_named_folder_is_told_what_was_inferred(tmp_path: Path) -> None:
    from harness.settings import Settings

    helm()
    options = {"project": str(EXAMPLES / "units")}
    settings = Settings.load(options, environment(), tmp_path)
    assert settings.project.chart.path == "deploy/helm/units"
    assert settings.project.root == EXAMPLES / "units"
    assert any(line.startswith("images.units.port = 8080") for line in settings.inferred)


def test_values_of_sub_charts_are_found_under_the_names_that_they_have_there(
    tmp_path: Path,
) -> None:
    image = "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
    root = write(tmp_path / "p", {
        "docker/orders.Dockerfile": "FROM golang:1.24\nCOPY orders ./\nEXPOSE 8080\n",
        "orders/main.go": "package main\n",
        "deploy/shop/Chart.yaml": CHART.format("shop")
            + "dependencies:\n  - {name: service, alias: orders, version: 0.1.0}\n",
        "deploy/shop/values.yaml": "orders: {}\n",
        "deploy/shop/charts/service/Chart.yaml": CHART.format("service"),
        "deploy/shop/charts/service/values.yaml": "image: {repository: me/orders, tag: '1'}\n",
        "deploy/shop/charts/service/templates/d.yaml":
            WORKLOAD.format(name="orders", container="orders", image=image, port=8080),
    })  # fmt: skip
    facts = inferred(root)
    tag = facts.facts["values", "orders.image.tag"]
    assert tag.value == "${images.orders.tag}"
    assert str(tag.place) == "deploy/shop/charts/service/values.yaml:1"


def test_no_secret_that_is_written_down_is_repeated(tmp_path: Path) -> None:
    secret = "hunter2-of-somebody"
    template = WORKLOAD.format(name="s", container="s", image="s:1", port=8000).replace(
        "          ports:",
        f"          env:\n            - {{name: API_TOKEN, value: {secret}}}\n"
        f"            - {{name: QUEUE, value: 'amqp://me:{secret}@q'}}\n          ports:",
    )
    root = write(tmp_path / "p", {
        "Dockerfile": "FROM python:3.12\nCOPY a.py .\nEXPOSE 8000\n",
        "a.py": "import os\nA = os.environ['API_TOKEN']\nB = os.environ['QUEUE']\n",
        "chart/Chart.yaml": CHART.format("s"),
        "chart/templates/a.yaml": template,
    })  # fmt: skip
    facts = inferred(root)
    assert secret not in written(facts)
    assert facts.get("images", "s", "env", "API_TOKEN") == "${secrets.api}"
