from pathlib import Path

import pytest

from harness.helm import ChartMissingError
from harness.project import (
    Project,
    ProjectFileInvalidError,
    ProjectFileMissingError,
    fill,
)


def test_description_of_this_repository_is_valid() -> None:
    project = Project.load(Path(__file__).parents[1])
    assert set(project.images) == {"backend", "frontend"}
    assert project.services["frontend"].public


def test_missing_file_names_the_place(tmp_path: Path) -> None:
    with pytest.raises(ProjectFileMissingError, match=r"deploy\.toml"):
        Project.load(tmp_path)


def test_missing_chart_names_the_place(project_dir: Path) -> None:
    (project_dir / "chart" / "Chart.yaml").unlink()
    with pytest.raises(ChartMissingError) as caught:
        Project.load(project_dir)
    assert str(project_dir / "chart") in caught.value.looked


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("port = 8000", "port = 0"), "images.api.port"),
        (("port = 8000", "prot = 8000"), "images.api.prot: this key is not known"),
        (('context = "api"\n', ""), "images.api.context: this key is missing"),
        (('image = "api"', 'image = "web"'), "there is no [images.web]"),
        (('type = "ClusterIP"', 'type = "Magic"'), "services.api.type"),
        (
            ("[requirements]", '[values]\n"a" = "${images.web.tag}"\n[requirements]'),
            "images.web.tag",
        ),
        (("[chart]\n", '[chart]\nbeside = "big"\n'), "chart.beside: there is no [variants.big]"),
        (('name = "shop"', "name = "), "line 1"),
    ],
    ids=["range", "typo", "missing", "no such image", "type", "reference", "variant", "not toml"],
)
def test_mistake_is_named(project_dir: Path, change: tuple[str, str], said: str) -> None:
    file = project_dir / "deploy.toml"
    file.write_text(file.read_text().replace(*change, 1))
    with pytest.raises(ProjectFileInvalidError) as caught:
        Project.load(project_dir)
    assert said in caught.value.seen


def test_references_are_filled() -> None:
    facts: dict[str, str | int] = {"a.b": "x", "n": 30080}
    assert fill("pre-${a.b}-${n}", facts) == "pre-x-30080"
    assert fill("${n}", facts) == 30080
    assert fill(value=True, facts=facts) is True
