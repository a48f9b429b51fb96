"""`--deploy-plan`, by pytest itself: all is told, and nothing is done."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from chart_support import helm_binary
from plan_support import HOST, SECRET, Docker, make_docker, make_planned_shop
from test_changed import git

OK, USAGE = pytest.ExitCode.OK, pytest.ExitCode.USAGE_ERROR
PYTHON = "python:3.12-slim"
HELM = helm_binary()  # of this machine; the shop has a cache of its own


@pytest.fixture
def shop(
    pytester: pytest.Pytester, project_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    return make_planned_shop(pytester, project_dir, monkeypatch)


@pytest.fixture
def docker(shop: pytest.Pytester, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    docker = make_docker(tmp_path / "docker")
    monkeypatch.setenv("DEPLOY_DOCKER", str(docker.client))
    return docker


@pytest.fixture
def helm(shop: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = shop.path / "bin"
    folder.mkdir()
    if HELM is None:
        pytest.skip("Helm is neither in the cache (`make prepare` puts it there) nor on the PATH")
    (folder / "helm").symlink_to(HELM)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def run(shop: pytest.Pytester, *args: str) -> pytest.RunResult:
    return shop.runpytest_subprocess("-p", "no:cacheprovider", *args, timeout=60)


def plan(shop: pytest.Pytester, *args: str) -> pytest.RunResult:
    """Make a plan, and see that no scenario was run and no record written."""
    result = run(shop, "-m", "deploy", "--deploy-plan", *args)
    assert result.ret == OK, result.stdout.str() + result.stderr.str()
    assert not (shop.path / "sold").exists()
    return result


def told(shop: pytest.Pytester, *args: str) -> dict[str, Any]:
    plan(shop, "--deploy-plan-json=plan.json", *args)
    told: dict[str, Any] = json.loads((shop.path / "plan.json").read_text())
    assert told["executed"] is False
    return told


def edit(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))


def test_without_engine_and_helm_all_else_is_told(shop: pytest.Pytester) -> None:
    result = plan(shop)
    result.stdout.fnmatch_lines(
        [
            "Plan for shop: nothing of it has been done",
            "In the way: a run would end at this",
            "  x needed: a running container engine",
            "    fix:    *",
            "  x needed: helm 3.19 or later",
            "    fix:    run `make prepare`*",
            "Build",
            "  ? image api: unknown (no container engine answers that could tell)",
            "      api/Dockerfile, time of its build unknown",
            f"      BASE {PYTHON}",
            "Create",
            "  ? cluster deploy-shop (kind of 1 node): unknown (no container engine *)",
            "      in it: namespace shop, with release shop",
            "  ? database of kind external: unknown (a container of postgres:17 *)",
            "Install",
            "  chart shop 1.0.0 (chart)",
            "  as release shop in namespace shop",
            "Change in the rendered manifests",
            "  not rendered: helm 3.19 or later: none; run `make prepare`*",
            "Run",
            "  Deployed (features/cluster.feature): 1 of 3",
            "    > A sale  [[]FR-2[]]",
            "    skipped: long; --deploy-extended=yes runs it",
            "    - A long one  [[]FR-1[]]",
            "    skipped: there is no counter",
            "    - A condition  [[]FR-1[]]",
            "  3 of 5 scenarios would run; 2 would be skipped",
            "Time",
            "  unknown: no earlier run has left a record",
            "*no tests ran in *",
        ]
    )
    assert not (shop.path / ".deploy").exists()


def test_values_are_told_without_secrets(shop: pytest.Pytester, docker: Docker) -> None:
    docker.has(PYTHON)
    tag = docker.build(shop.path).rpartition(":")[2]
    release = told(shop)["release"]
    assert release["values"] == {
        "image.tag": tag,
        "word": "hello",
        "empty": '""',
        "port": "30080",
        "apiKey": "[redacted]",
        "existingSecret": "keys",
        "secrets.url": "[redacted] (database.url)",
        "secrets.signing": "[redacted] (secrets.signing)",
    }


def test_an_image_of_these_sources_is_cached(shop: pytest.Pytester, docker: Docker) -> None:
    ready = "kind-1\trunning\t\t\tdeploy-shop\nx\texited\tdeploy-shop\tdatabase\t\n"
    docker.has(PYTHON, containers=ready)
    ref = docker.build(shop.path)
    (docker.folder / "calls").unlink()
    result = plan(shop)
    result.stdout.fnmatch_lines(
        [
            f"  = image api {ref}: cached (built from just these sources, in the engine)",
            f"      BASE {PYTHON}: {PYTHON} (already in the engine)",
            "  = cluster deploy-shop (kind of 1 node): runs already (*)",
            f"        {ref}",
            "  ? database of kind external: stopped *",
            "  engine *27.1.0 at *",
        ]
    )
    (shop.path / "api/main.py").write_text("changed")
    (image,) = told(shop)["images"]
    assert (image["state"], image["seconds"]) == ("to be built", None)
    assert image["ref"] not in (ref, "")
    assert docker.changes() == []


def test_what_is_missing_is_named(shop: pytest.Pytester, docker: Docker) -> None:
    (image,) = told(shop)["images"]
    assert (image["state"], image["ref"]) == ("to be built", "")
    assert image["why"] == f"not in the engine: {PYTHON}"
    (shop.path / "api/main.py").unlink()
    found = told(shop)
    assert found["images"][0]["state"] == "cannot be built"
    needed = [obstacle["needed"] for obstacle in found["obstacles"]]
    assert any(words.startswith("what image api copies: line 3") for words in needed)
    assert "an image for kind's node" in needed
    assert docker.changes() == []


def test_what_is_not_asked_for_is_not_planned(shop: pytest.Pytester, docker: Docker) -> None:
    found = told(shop, "-k", "fits")
    assert (found["images"], found["cluster"], found["release"]) == ([], None, None)
    assert found["left_out"] == 4
    assert not (docker.folder / "calls").exists()
    found = told(shop, "features/images.feature")
    assert [image["name"] for image in found["images"]] == ["api"]
    assert found["cluster"] is None
    assert [scenario["needs"] for scenario in found["scenarios"]] == ["images"]


def test_other_tests_are_not_run_either(shop: pytest.Pytester) -> None:
    (shop.path / "test_other.py").write_text("def test_other(): open('sold', 'w').close()\n")
    result = run(shop, "--deploy-plan", "test_other.py")
    assert result.ret == OK
    result.stdout.fnmatch_lines(["  no scenario is selected; 1 test that is no scenario"])
    assert not (shop.path / "sold").exists()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--deploy-port=x"], "needed: a number from 0 to 65535 for port"),
        (["--deploy-plan-json=features"], "needed: a file, not a folder, for plan-json"),
        (["--deploy-database=given"], "needed: the variable SHOP_DATABASE, *"),
        (["-n", "5"], "needed: a place on the cluster for process 5 of this run"),
        (["--deploy-cluster=existing"], "needed: the kubeconfig of the cluster *"),
        (["--deploy-project=nowhere"], "needed: a description of the project to accept"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_ends_before_anything(shop: pytest.Pytester, args: list[str], said: str) -> None:
    result = run(shop, "--deploy-plan", *args)
    assert result.ret == USAGE
    result.stderr.fnmatch_lines([f"*{said}"])
    assert "collected" not in result.stdout.str()


def test_features_that_cannot_be_collected_end_it(shop: pytest.Pytester) -> None:
    (shop.path / "features/wrong.feature").write_text("Nothing\n")
    result = run(shop, "--deploy-plan")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert "Plan for" not in result.stdout.str()


def test_it_goes_with_processes_nodes_and_scenarios(shop: pytest.Pytester, docker: Docker) -> None:
    found = told(shop, "-n", "3", "--deploy-nodes=2", "--deploy-extended=yes", "--deploy-port=8080")
    assert found["processes"] == 3
    assert found["release"]["namespaces"] == ["shop", "shop-1", "shop-2"]
    assert (found["cluster"]["nodes"], found["cluster"]["state"]) == (2, "new")
    assert [s["skipped"] for s in found["scenarios"]] == [""] * 5
    docker.has(containers="one\trunning\t\t\tdeploy-shop\n")
    detail = told(shop, "--deploy-nodes=2")["cluster"]["detail"]
    assert detail == "nodes are wanted: 2, and it has 1; so it is made anew"
    assert "deleted" in told(shop, "--deploy-fresh=yes")["cluster"]["detail"]


def test_a_cluster_that_exists_is_not_asked(
    shop: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop.path / "kubeconfig").write_text("contexts: [{name: far}]\n")
    words = ("--kubeconfig=kubeconfig", "--context=far", "--registry=images.test:5000/shop")
    args = ["--deploy-cluster=existing", *(f"--deploy-{word[2:]}" for word in words)]
    assert run(shop, "--deploy-plan", *args).ret == USAGE  # its pods would not reach a database
    monkeypatch.setenv("SHOP_DATABASE", f"postgresql://shop:{SECRET}@db.test/shop")
    result = plan(shop, *args)
    result.stdout.fnmatch_lines(
        [
            "  = cluster far (existing): given (context far of *; it is not asked for a plan)",
            "      in it: namespace shop-*, with release shop",
            "      in it: a pod that a tunnel from this machine leads to",
            "      images, pushed to images.test:5000/shop, pulled from images.test:5000/shop:",
            "  = database of kind given: given (*SHOP_DATABASE is set)",
        ]
    )
    assert SECRET not in result.stdout.str()


def test_what_changed_selects_and_says_why(shop: pytest.Pytester) -> None:
    git(shop.path, "init", "-q", "-b", "main")
    (shop.path / ".gitignore").write_text("*\n!features\n!features/*\n!deploy.toml\n!chart/**\n")
    git(shop.path, "add", ".")
    git(shop.path, "commit", "-q", "-m", "begun")
    edit(shop.path / "features/images.feature", "starts", "begins")
    result = plan(shop, "--deploy-changed=main", "-n", "2")
    result.stdout.fnmatch_lines(
        [
            "  1 file changed since main: 1 of 5 scenarios can be affected",
            "    > The api begins  [[]FR-1[]]",
            "        selected by features/images.feature: the scenarios in it",
            "  1 of 1 scenarios would run; 4 not selected; shared by 2 processes",
        ]
    )
    git(shop.path, "checkout", "-q", ".")
    plan(shop, "--deploy-changed=main").stdout.fnmatch_lines(
        ["  no scenario is selected; 5 not selected"]
    )


def test_times_are_those_of_the_last_run(shop: pytest.Pytester) -> None:
    assert run(shop, "features/images.feature", "features/static.feature").ret == OK
    (shop.path / "sold").unlink()
    record = (shop.path / ".deploy/messages.ndjson").read_bytes()
    result = plan(shop)
    result.stdout.fnmatch_lines(
        [
            "    >  unknown  A sale  [[]FR-2[]]",
            "    >    0.? s  The api starts  [[]FR-1[]]",
            "Time",
            "  image api unknown, cluster unknown, database unknown (side by side)",
            "  loading images unknown",
            "  release unknown",
            "  3 scenarios 0.? s, 1 unknown",
            "  at least 0.? s: 6 parts are unknown, by the run of * UTC",
        ]
    )
    assert (shop.path / ".deploy/messages.ndjson").read_bytes() == record


def test_the_variable_plans_and_quiet_is_brief(
    shop: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPLOY_PLAN", "yes")
    result = run(shop, "-q")
    assert result.ret == OK
    result.stdout.fnmatch_lines(["Plan for shop: *"])
    monkeypatch.setenv("DEPLOY_PLAN", "maybe")
    result = run(shop)
    assert result.ret == USAGE
    result.stderr.fnmatch_lines(["*the variable DEPLOY_PLAN"])


def test_changes_in_the_manifests(shop: pytest.Pytester, docker: Docker, helm: Path) -> None:
    docker.has(PYTHON)
    docker.build(shop.path)
    plan(shop).stdout.fnmatch_lines(
        [
            "  no run has left manifests to compare with; 2 objects would be there:",
            "  + Secret keys",
            "  + ConfigMap shop-config",
        ]
    )
    kept = keep(shop, docker)
    assert SECRET not in kept.read_text()
    plan(shop).stdout.fnmatch_lines(
        [
            "Change in the rendered manifests against the run of * UTC (kind deploy-shop, shop)",
            "  none: 2 objects are as they were",
        ]
    )
    edit(shop.path / "deploy.toml", '"word" = "hello"', '"word" = "good bye"')
    edit(shop.path / "chart/templates/all.yaml", SECRET, f"{SECRET}-again")
    (shop.path / "api/main.py").write_text("changed")
    result = plan(shop)
    result.stdout.fnmatch_lines(
        [
            "  ~ ConfigMap shop-config: changed",
            "*leaked: [[]redacted[]]",
            "      -  tag: *",
            "      -  word: hello",
            "      +  tag: *",
            "      +  word: good bye",
            "  ~ Secret keys: changed",
            "      -  fixed: 19 characters, hidden (*)",
            "      +  fixed: 25 characters, hidden (*)",
        ]
    )
    assert SECRET not in result.stdout.str()
    quiet = plan(shop, "-q").stdout
    quiet.fnmatch_lines(["  ~ Secret keys: changed"])
    quiet.no_fnmatch_line("*+  word: good bye*")
    changes = told(shop)["changes"]
    assert [d["what"] for d in changes["differences"]] == ["ConfigMap shop-config", "Secret keys"]
    shutil.rmtree(shop.path / "cache")  # another machine: marks mean nothing, lengths do
    plan(shop).stdout.fnmatch_lines(["      -  fixed: 19 characters, hidden", "*25 characters*"])


def test_a_chart_that_does_not_render_is_told(shop: pytest.Pytester, helm: Path) -> None:
    (shop.path / "chart/templates/wrong.yaml").write_text("a: {{ .Values.word")
    plan(shop).stdout.fnmatch_lines(["  not rendered: needed: *", "*wrong.yaml*"])


def keep(shop: pytest.Pytester, docker: Docker) -> Path:
    """Have the manifests kept as a run does."""
    from harness.cache import Cache
    from harness.helm.rendering import Renderer
    from harness.plan.manifests import keep
    from harness.settings import Settings

    settings = Settings.load({}, {"DOCKER_HOST": HOST}, shop.path)
    cache = Cache(shop.path / "cache")
    assert HELM
    renderer = Renderer(HELM, Path("/dev/null"), "none", cache.root)
    return keep(settings, {"api": docker.build(shop.path).rpartition(":")[2]}, renderer, cache)
