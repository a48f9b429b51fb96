"""Reading Dockerfiles and build contexts, and checking them before a build."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.images import precheck
from harness.images.context import Context
from harness.images.dockerfile import Dockerfile
from harness.images.spec import ImageSpec

DOCKERFILE = """\
# syntax=docker/dockerfile:1
# A comment
ARG PYTHON_IMAGE=python:3.12-slim
FROM ${PYTHON_IMAGE} AS build
ARG LOCK=requirements.lock
COPY pyproject.toml ${LOCK} ./
RUN pip install \\
    # a comment inside
    --no-cache-dir \\

    -r requirements.lock
RUN <<EOT
COPY this is not an instruction
EOT
COPY --chown=1:1 ["src dir", "dst dir/"]
COPY ${UNKNOWN}/x ./
ADD https://example.org/file.tgz /tmp/
FROM $PYTHON_IMAGE
COPY --from=build /app /app
CMD ["python"]
"""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    root = tmp_path / "app"
    (root / "src dir").mkdir(parents=True)
    (root / "src dir" / "main.py").write_text("print()\n")
    (root / "pyproject.toml").write_text("")
    (root / "requirements.lock").write_text("")
    (root / "Dockerfile").write_text(DOCKERFILE)
    return root


def spec(context: Path, **more: object) -> ImageSpec:
    return ImageSpec("shop", context, "shop", **more)  # type: ignore[arg-type]


def test_instructions_have_their_lines(context: Path) -> None:
    read = Dockerfile.read(context / "Dockerfile")
    lines = [(one.word, one.line) for one in read.instructions]
    assert lines == [
        ("ARG", 3), ("FROM", 4), ("ARG", 5), ("COPY", 6), ("RUN", 7), ("RUN", 12),
        ("COPY", 15), ("COPY", 16), ("ADD", 17), ("FROM", 18), ("COPY", 19), ("CMD", 20),
    ]  # fmt: skip
    assert read.instructions[4].rest == "pip install --no-cache-dir -r requirements.lock"


def test_stages_and_base_arguments(context: Path) -> None:
    read = Dockerfile.read(context / "Dockerfile")
    assert read.stages == [("build", "${PYTHON_IMAGE}", 4), ("1", "$PYTHON_IMAGE", 18)]
    assert read.base_args() == {"PYTHON_IMAGE": "python:3.12-slim"}


def test_copies_from_the_context_only(context: Path) -> None:
    copies = Dockerfile.read(context / "Dockerfile").copies()
    assert [copy.sources for copy in copies] == [
        ("pyproject.toml", "requirements.lock"),
        ("src dir",),
        (),
        (),
    ]


def test_build_arguments_change_what_is_copied(context: Path) -> None:
    copies = Dockerfile.read(context / "Dockerfile").copies({"LOCK": "other.lock"})
    assert copies[0].sources == ("pyproject.toml", "other.lock")


def test_another_escape_character(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text("# escape=`\nFROM a\nRUN one `\n  two\nCOPY c:\\ d\\\n")
    assert [(one.word, one.rest) for one in Dockerfile.read(file).instructions] == [
        ("FROM", "a"),
        ("RUN", "one two"),
        ("COPY", "c:\\ d\\"),
    ]


def test_a_context_without_what_is_ignored(context: Path) -> None:
    for name in ("node_modules/a/index.js", ".env", ".env.example", "docs/a.md", "docs/keep.md"):
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        (context / name).write_text("x")
    (context / ".dockerignore").write_text(
        "# what stays out\nnode_modules\n.env*\n!.env.example\ndocs/*\n!docs/keep.md\n"
    )
    seen = Context(context)
    assert [str(path.relative_to(context)) for path in seen.files()] == [
        ".dockerignore",
        ".env.example",
        "Dockerfile",
        "docs/keep.md",
        "pyproject.toml",
        "requirements.lock",
        "src dir/main.py",
    ]
    assert seen.holds("docs")
    assert seen.holds("./docs/keep.md")
    assert not seen.holds("node_modules")


def test_an_ignore_file_of_the_dockerfiles_own_comes_first(context: Path) -> None:
    (context / ".dockerignore").write_text("pyproject.toml\n")
    (context / "Dockerfile.dockerignore").write_text("requirements.lock\n")
    seen = Context(context, "Dockerfile")
    assert seen.holds("pyproject.toml")
    assert not seen.holds("requirements.lock")


def test_sources_that_fit_pass(context: Path) -> None:
    _, dockerfile = precheck.check(spec(context, bases={"PYTHON_IMAGE": "python:3.12-slim"}))
    assert len(dockerfile.stages) == 2


def test_a_missing_context(tmp_path: Path) -> None:
    with pytest.raises(precheck.ContextMissingError, match="build context of image shop"):
        precheck.check(spec(tmp_path / "nowhere"))


def test_a_missing_dockerfile_names_what_is_there(context: Path) -> None:
    with pytest.raises(precheck.DockerfileMissingError, match=r"pyproject\.toml") as raised:
        precheck.check(spec(context, dockerfile="Containerfile"))
    assert raised.value.looked.endswith("/app/Containerfile")


@pytest.mark.parametrize(
    ("line", "source"),
    [
        ("COPY src ./src", "src"),
        ("COPY pyproject.toml yarn.lock ./", "yarn.lock"),
        ("ADD *.tgz /", "*.tgz"),
        ('COPY ["no such", "/x"]', "no such"),
        ("COPY /etc/passwd /x", "/etc/passwd"),
    ],
)
def test_a_missing_copy_source_names_line_and_source(context: Path, line: str, source: str) -> None:
    (context / "Dockerfile").write_text(f"FROM scratch\n\n{line}\n")
    with pytest.raises(precheck.CopySourceMissingError) as raised:
        precheck.check(spec(context))
    assert f"line 3, `{line}`" in str(raised.value)
    assert f"`{source}` does not exist" in raised.value.seen


@pytest.mark.parametrize(
    "line",
    [
        "COPY . .",
        "COPY *.toml /",
        "COPY ./src* /",
        "COPY --link requirements.loc[kx] /",
        "COPY src?dir/*.py /",
        "COPY <<EOT /x\nsomething\nEOT",
    ],
)
def test_copy_sources_that_are_there(context: Path, line: str) -> None:
    (context / "Dockerfile").write_text(f"FROM scratch\n{line}\n")
    precheck.check(spec(context))


def test_a_copy_source_that_is_ignored_names_the_ignore_file(context: Path) -> None:
    (context / ".dockerignore").write_text("*.lock\n")
    with pytest.raises(precheck.CopySourceMissingError, match="keeps it out") as raised:
        precheck.check(spec(context))
    assert "`!requirements.lock`" in raised.value.fix
    assert ".dockerignore" in raised.value.fix


def test_a_base_that_the_dockerfile_does_not_ask_for(context: Path) -> None:
    with pytest.raises(precheck.BaseArgUnknownError, match="PYTHON_IMAGE") as raised:
        precheck.check(spec(context, bases={"BASE": "python:3.12-slim"}))
    assert "ARG BASE" in raised.value.needed


def test_an_unknown_stage(context: Path) -> None:
    with pytest.raises(precheck.TargetUnknownError, match="build, 1"):
        precheck.check(spec(context, target="release"))
    precheck.check(spec(context, target="Build"))
