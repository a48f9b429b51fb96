"""Which images a Dockerfile takes from elsewhere, and the same Dockerfile on others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.images.build import Builder, wanted_bases
from harness.images.dockerfile import Dockerfile
from harness.images.foreign import adapted, foreign, syntax_image
from harness.images.spec import ImageSpec
from harness.supply.bases import BaseUnknownError
from tests.images_support import FixedBases, environ, scripted
from tests.test_images_build import builder, builds

_TEXT = """\
# syntax=docker/dockerfile:1.7
ARG NODE=node:24-alpine
FROM --platform=$BUILDPLATFORM python:3.12-slim AS Libraries
COPY --link --from=ghcr.io/astral-sh/uv:0.9 /uv /bin/
RUN --mount=type=bind,from=busybox:1,target=/box \\
    true
FROM ${NODE} AS web
RUN <<END
FROM nobody:1
END
FROM unused:1 AS dev
FROM libraries
copy --from=web /a /b
COPY --from=0 /c /d
run  echo python:3.12-slim
"""


@pytest.fixture
def dockerfile(tmp_path: Path) -> Dockerfile:
    file = tmp_path / "Dockerfile"
    file.write_text(_TEXT)
    return Dockerfile.read(file)


def test_images_from_elsewhere_are_those_that_the_stage_needs(dockerfile: Dockerfile) -> None:
    assert [(one.name, one.instruction.line) for one in foreign(dockerfile, {})] == [
        ("ghcr.io/astral-sh/uv:0.9", 4),
        ("busybox:1", 5),
        ("python:3.12-slim", 3),
        ("node:24-alpine", 7),
    ]
    assert [one.name for one in foreign(dockerfile, {"NODE": "node:22"}, "web")] == ["node:22"]
    assert [one.name for one in foreign(dockerfile, {}, "DEV")] == ["unused:1"]


def test_a_base_without_a_value_is_left_to_the_build(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text("ARG BASE\nFROM $BASE\n")
    assert foreign(Dockerfile.read(file), {}) == ()
    assert [one.name for one in foreign(Dockerfile.read(file), {"BASE": "a:1"})] == ["a:1"]


def test_other_images_take_their_places_and_nothing_else_changes(dockerfile: Dockerfile) -> None:
    refs = {
        "python:3.12-slim": "local/python:1",
        "node:24-alpine": "local/node:2",
        "ghcr.io/astral-sh/uv:0.9": "local/uv:3",
        "busybox:1": "local/box:4",
    }
    expected = (
        _TEXT.replace("PLATFORM python:3.12-slim", "PLATFORM local/python:1")
        .replace("${NODE}", "local/node:2")
        .replace("ghcr.io/astral-sh/uv:0.9", "local/uv:3")
        .replace("busybox:1", "local/box:4")
    )
    assert adapted(_TEXT, dockerfile, {}, refs) == expected


def test_what_the_engine_cannot_read_is_left_out(dockerfile: Dockerfile) -> None:
    assert syntax_image(_TEXT) == "docker/dockerfile:1.7"
    assert syntax_image("FROM a\n# syntax=b\n") == ""
    changed = adapted(_TEXT, dockerfile, {}, {}, syntax=False)
    assert changed.splitlines()[0] == "#"
    assert changed.splitlines()[3] == "COPY --from=ghcr.io/astral-sh/uv:0.9 /uv /bin/"


def test_steps_trust_the_hosts_authorities_while_they_run(dockerfile: Dockerfile) -> None:
    changed = adapted(_TEXT, dockerfile, {}, {}, trust=True).splitlines()
    mount = "--mount=type=secret,id=ca_bundle,target=/run/secrets/ca_bundle,mode=0444"
    assert [line.split(" ")[0] for line in changed if "ca_bundle" in line] == [
        *("ARG", "RUN", "ARG", "RUN", "ARG", "ARG", "run"),
    ]
    assert changed[3].startswith("ARG SSL_CERT_FILE=/run/secrets/ca_bundle PIP_CERT=")
    assert changed[5].startswith(f"RUN {mount},required=false --mount=type=bind,from=busybox:1")
    assert "FROM nobody:1" in changed


def test_a_dockerfile_that_mounts_the_authorities_itself_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    text = "FROM a\nRUN --mount=type=secret,id=ca_bundle true\n"
    file.write_text(text)
    assert adapted(text, Dockerfile.read(file), {}, {}, trust=True) == text


@pytest.fixture
def spec(tmp_path: Path) -> ImageSpec:
    context = tmp_path / "app"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM python:3.12-slim\nRUN true\n")
    (context / "Dockerfile.dockerignore").write_text("*.log\n")
    return ImageSpec("app", context, "shop/app")


def test_a_base_that_is_written_down_is_stood_in_for(spec: ImageSpec, tmp_path: Path) -> None:
    engine = scripted(tmp_path / "engine")
    there = builder(engine, tmp_path)
    there = replace(there, bases=FixedBases({"python:3.12-slim": "local/python:3.13"}))
    built = there.build(spec)
    assert built.bases == {"python:3.12-slim": "local/python:3.13"}
    [call] = builds(engine)
    file = Path(call[call.index("--file") + 1])
    assert file != spec.file
    assert not file.exists(), "what was written for the build is gone with it"
    assert "--build-arg" not in call
    assert there.find(spec, built.bases) == (built.ref, True)


def test_a_base_that_is_not_to_be_had_names_the_line(spec: ImageSpec, tmp_path: Path) -> None:
    class Nothing:
        def ensure(self, official: str) -> object:
            raise BaseUnknownError(official, "no such host")

    there: Builder = replace(builder(scripted(tmp_path / "engine"), tmp_path), bases=Nothing())
    with pytest.raises(BaseUnknownError) as caught:
        there.build(spec)
    assert caught.value.__notes__ == [
        f"image app asks for it: {spec.file}, line 1, `FROM python:3.12-slim`"
    ]


def test_the_own_base_of_an_image_comes_last(spec: ImageSpec) -> None:
    text = "ARG BASE=a:1\nFROM b:2 AS one\nFROM ${BASE}\nCOPY --from=one /x /x\n"
    spec.file.write_text(text)
    spec = replace(spec, bases={"BASE": "a:1"})
    assert wanted_bases(spec, Dockerfile.read(spec.file)) == {"b:2": "b:2", "BASE": "a:1"}


def test_a_frontend_that_is_not_to_be_had_is_done_without(spec: ImageSpec, tmp_path: Path) -> None:
    class Some(FixedBases):
        def ensure(self, official: str) -> object:
            if official.startswith("docker/"):
                raise BaseUnknownError(official, "no such host")
            return super().ensure(official)

    spec.file.write_text("# syntax=docker/dockerfile:1\nFROM a:1\nCOPY --link . .\n")
    engine = scripted(tmp_path / "engine")
    replace(builder(engine, tmp_path), bases=Some({}), environ=environ()).build(spec)
    assert len(builds(engine)) == 1
