"""Charts that are missing, broken or refuse their values; with the real Helm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from chart_support import helm

from harness.helm import (
    ChartInvalidError,
    ChartMissingError,
    LintFailedError,
    TemplateFailedError,
    ValuesRefusedError,
    check_chart,
    release_objects,
)

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n"


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 1.2.3\n")
    (folder / "values.yaml").write_text("replicas: 1\nsecrets: {}\n")
    (folder / "templates" / "map.yaml").write_text(CONFIG_MAP)
    return folder


def template(chart: Path, values: dict[str, Any] | None = None) -> str:
    return helm().template(chart, "rel", "shop", values or {})


def test_a_chart_is_rendered_for_release_and_namespace(chart: Path) -> None:
    (chart / "templates" / "map.yaml").write_text(
        CONFIG_MAP + "  namespace: {{ .Release.Namespace }}\ndata: {{ .Values.data | toJson }}\n"
    )
    data = {"umlaut": "ä: #'\"\n", "number": "1"}
    (item,) = release_objects(template(chart, {"data": data}))
    assert (item.name, item.namespace) == ("rel", "shop")
    assert item.body["data"] == data


def test_what_the_chart_says_of_itself(chart: Path) -> None:
    assert check_chart(chart).name == "shop"
    assert (check_chart(chart).version, check_chart(chart).app_version) == ("1.2.3", "")


def test_a_chart_may_lie_in_a_folder_of_another_name(chart: Path) -> None:
    assert check_chart(chart.rename(chart.parent / "deploy")).name == "shop"


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(ChartMissingError, match="nowhere") as caught:
        check_chart(tmp_path / "nowhere")
    assert caught.value.seen == "the folder does not exist"


def test_a_folder_without_a_chart(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").touch()
    with pytest.raises(ChartMissingError) as caught:
        check_chart(tmp_path)
    assert caught.value.seen == "a folder without Chart.yaml; it holds values.yaml"


def test_a_file_is_no_chart(tmp_path: Path) -> None:
    (tmp_path / "chart.tgz").touch()
    with pytest.raises(ChartMissingError) as caught:
        check_chart(tmp_path / "chart.tgz")
    assert caught.value.seen == "a file, not a chart's folder"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name: [", "Chart.yaml is not YAML"),
        ("- a", "Chart.yaml is no mapping"),
        ("name: shop\nversion: 1.0.0", "Chart.yaml has the apiVersion None"),
        ("apiVersion: v2\nversion: 1.0.0", "Chart.yaml has the name None"),
        ("apiVersion: v2\nname: a/b\nversion: 1.0.0", "Chart.yaml has the name 'a/b'"),
        ("apiVersion: v2\nname: shop", "Chart.yaml has the version None"),
        ("apiVersion: v2\nname: shop\nversion: newest", "Chart.yaml has the version 'newest'"),
    ],
)
def test_a_broken_description(chart: Path, text: str, problem: str) -> None:
    (chart / "Chart.yaml").write_text(text)
    with pytest.raises(ChartInvalidError) as caught:
        template(chart)
    assert caught.value.seen.startswith(problem)
    assert str(chart) in caught.value.looked


def test_broken_default_values(chart: Path) -> None:
    (chart / "values.yaml").write_text("a: [")
    with pytest.raises(ChartInvalidError, match=r"cannot load values\.yaml"):
        template(chart)


def test_a_dependency_that_was_not_fetched(chart: Path) -> None:
    with (chart / "Chart.yaml").open("a") as file:
        file.write("dependencies:\n  - {name: db, version: 1.0.0, repository: file://../db}\n")
    with pytest.raises(ChartInvalidError) as caught:
        template(chart)
    assert "are missing: db" in caught.value.seen
    assert "helm dependency build" in caught.value.fix


def test_a_cluster_that_is_too_old(chart: Path) -> None:
    with (chart / "Chart.yaml").open("a") as file:
        file.write('kubeVersion: ">=1.99.0"\n')
    with pytest.raises(ChartInvalidError, match=r"it requires Kubernetes >=1\.99\.0"):
        template(chart)


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("x: {{ .Values.a.b.c }}", "shop/templates/bad.yaml:1:", "nil pointer"),
        ('x: {{ include "nope" . }}', "shop/templates/bad.yaml:1:", "no template"),
        ("x: 1\ny: {{ .Values.a", "shop/templates/bad.yaml:2", "unclosed action"),
        ("x: {{ nope }}", "shop/templates/bad.yaml:1", "not defined"),
        ("a: b\n c: d\n", "shop/templates/bad.yaml", "mapping values are not allowed"),
    ],
    ids=["nil", "include", "unclosed", "function", "yaml"],
)
def test_a_broken_template(chart: Path, text: str, place: str, problem: str) -> None:
    (chart / "templates" / "bad.yaml").write_text(text)
    with pytest.raises(TemplateFailedError) as caught:
        template(chart)
    assert caught.value.template.startswith(place)
    assert problem in caught.value.seen
    assert "--debug" not in str(caught.value)


def test_values_that_a_template_refuses(chart: Path) -> None:
    (chart / "templates" / "check.yaml").write_text('{{ required "set a.b to a number" nil }}')
    with pytest.raises(ValuesRefusedError) as caught:
        template(chart)
    assert caught.value.seen == "set a.b to a number"
    assert caught.value.looked.startswith("shop/templates/check.yaml:1")


def test_values_that_the_schema_refuses_are_named_by_their_paths(chart: Path) -> None:
    schema = {
        "properties": {
            "replicas": {"type": "integer"},
            "image": {"properties": {"tag": {"type": "string"}}, "additionalProperties": False},
        }
    }
    (chart / "values.schema.json").write_text(json.dumps(schema))
    with pytest.raises(ValuesRefusedError) as caught:
        template(chart, {"replicas": "two", "image": {"tga": "v1"}})
    assert set(caught.value.paths) == {"replicas", "image.tga"}
    assert "replicas: got string, want integer" in caught.value.seen
    assert caught.value.looked == str(chart / "values.schema.json")


def test_a_refusal_does_not_repeat_a_secret(chart: Path) -> None:
    schema = {"properties": {"secrets": {"properties": {"key": {"pattern": "^[0-9]+$"}}}}}
    (chart / "values.schema.json").write_text(json.dumps(schema))
    with pytest.raises(ValuesRefusedError) as caught:
        template(chart, {"secrets": {"key": "letters-are-secret"}})
    assert caught.value.paths == ("secrets.key",)
    assert "letters-are-secret" not in str(caught.value)
    assert "letters-are-secret" not in repr(caught.value)


def test_lint_names_its_findings(chart: Path) -> None:
    assert "0 chart(s) failed" in helm().lint(chart, {})
    (chart / "templates" / "bad.yaml").write_text("x: {{ .Values.a.b.c }}")
    with pytest.raises(LintFailedError) as caught:
        helm().lint(chart, {})
    assert caught.value.seen.startswith("[ERROR] templates/")
    assert "nil pointer" in caught.value.seen
