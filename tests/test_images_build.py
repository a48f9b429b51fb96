"""Building: names by content, nothing twice, failures with step and cause."""

from __future__ import annotations

import io
import itertools
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from images_support import FixedBases, ScriptedEngine, environ, scripted

from harness.cache import Cache
from harness.command import CommandMissingError
from harness.images.build import Builder
from harness.images.dockerfile import Dockerfile
from harness.images.failure import BuildFailedError, BuildTimedOutError, read_failure
from harness.images.spec import HASH_LABEL, ImageSpec
from harness.labels import MANAGED
from harness.progress import Progress
from harness.redact import Redactor
from harness.supply.authority import ca_bundle


@pytest.fixture
def spec(tmp_path: Path) -> ImageSpec:
    root = tmp_path / "app"
    root.mkdir()
    (root / "Dockerfile").write_text(
        "ARG BASE=python:3.12-slim\n"
        "FROM ${BASE} AS builder\n"
        "WORKDIR /app\n"
        "COPY package.json .\n"
        "RUN npm ci\n"
        "RUN npm run build\n"
        "FROM ${BASE}\n"
        "COPY --from=builder /app /app\n"
        "RUN --mount=type=secret,id=ca_bundle \\\n"
        "    pip install \\\n"
        "    fastapi\n"
    )
    (root / "package.json").write_text("{}")
    (root / ".dockerignore").write_text("*.log\n")
    return ImageSpec("shop", root, "shop/app", bases={"BASE": "python:3.12-slim"})


def builder(engine: ScriptedEngine, tmp_path: Path, **more: Any) -> Builder:
    bases = FixedBases({"python:3.12-slim": "local/python:3.13"})
    return Builder(
        engine,  # type: ignore[arg-type]
        bases,  # type: ignore[arg-type]
        Cache(tmp_path / "cache"),
        Progress(stream=io.StringIO()),
        more.pop("environ", environ()),
        **more,
    )


def builds(engine: ScriptedEngine) -> list[list[str]]:
    return [call for call in engine.calls() if call[0] == "build"]


def test_a_build_gets_all_that_it_needs_and_no_more(spec: ImageSpec, tmp_path: Path) -> None:
    engine = scripted(tmp_path / "engine")
    bundle = tmp_path / "ca.crt"
    bundle.write_text("x")
    spec = replace(spec, build_args={"MODE": "fast"}, target="builder")
    built = builder(engine, tmp_path, environ=environ(SSL_CERT_FILE=str(bundle))).build(spec)
    [call] = builds(engine)
    assert call[-1] == str(spec.context)
    pairs = list(itertools.pairwise(call))
    for pair in (
        ("--file", str(spec.file)),
        ("--tag", built.ref),
        ("--label", f"{MANAGED}=true"),
        ("--build-arg", "MODE=fast"),
        ("--build-arg", "BASE=local/python:3.13"),
        ("--target", "builder"),
        ("--secret", f"id=ca_bundle,src={bundle}"),
    ):
        assert pair in pairs
    assert built.built
    assert built.repository == "shop/app"
    assert len(built.tag) == 12
    assert built.bases == {"BASE": "local/python:3.13"}


def test_an_unchanged_image_is_not_built_again(spec: ImageSpec, tmp_path: Path) -> None:
    engine = scripted(tmp_path / "engine")
    first = builder(engine, tmp_path).build(spec)
    (spec.context / "noise.log").write_text("ignored")
    (spec.context / "package.json").touch()
    again = builder(engine, tmp_path).build(spec)
    assert (again.ref, again.id, again.built) == (first.ref, first.id, False)
    assert len(builds(engine)) == 1


@pytest.mark.parametrize(
    "change", ["content", "new file", "dockerfile", "argument", "target", "mode", "base"]
)
def test_whatever_changes_the_image_changes_its_name(
    spec: ImageSpec, tmp_path: Path, change: str
) -> None:
    engine = scripted(tmp_path / "engine")
    first = builder(engine, tmp_path).build(spec)
    match change:
        case "content":
            (spec.context / "package.json").write_text('{"name": "x"}')
        case "new file":
            (spec.context / "more.js").write_text("")
        case "dockerfile":
            spec.file.write_text(spec.file.read_text() + "USER 1\n")
        case "argument":
            spec = replace(spec, build_args={"MODE": "slow"})
        case "target":
            spec = replace(spec, target="builder")
        case "mode":
            (spec.context / "package.json").chmod(0o755)
        case "base":
            (tmp_path / "engine" / "images").write_text('{"local/python:3.13": {}}')
    assert builder(engine, tmp_path).build(spec).tag != first.tag


def test_a_tag_of_someone_else_is_not_trusted(spec: ImageSpec, tmp_path: Path) -> None:
    engine = scripted(tmp_path / "engine")
    first = builder(engine, tmp_path).build(spec)
    images = tmp_path / "engine" / "images"
    images.write_text(images.read_text().replace(HASH_LABEL, "someone.else"))
    assert builder(engine, tmp_path).build(spec).built
    assert len(builds(engine)) == 2
    assert first.built


def test_of_several_that_want_the_same_image_one_builds(spec: ImageSpec, tmp_path: Path) -> None:
    engine = scripted(tmp_path / "engine")
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(builder(engine, tmp_path).build(spec)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(image.built for image in found) == [False, False, True]


NPM = """\
#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 200B done
#1 DONE 0.0s
#5 [builder 2/5] WORKDIR /app
#5 CACHED
#7 [builder 4/5] RUN npm ci
#7 sha256:0123
#7 0.523 npm ERR! code EUSAGE
#7 0.530 npm ERR! The `npm ci` command can only install with an existing package-lock.json
#7 ERROR: executor failed running [/bin/sh -c npm ci]: exit code: 1
------
 > [builder 4/5] RUN npm ci:
#7 0.523 npm ERR! code EUSAGE
------
executor failed running [/bin/sh -c npm ci]: exit code: 1
"""
PIP = """\
#9 [stage-1 3/3] RUN --mount=type=secret,id=ca_bundle     pip install     fastapi
#9 1.2 ERROR: postgresql://me:hunter22@db/x SSL: CERTIFICATE_VERIFY_FAILED
#9 ERROR: process "/bin/sh -c pip install fastapi" did not complete successfully: exit code: 1
------
Dockerfile:9
--------------------
   9 | >>> RUN --mount=type=secret,id=ca_bundle
--------------------
ERROR: failed to solve: process "/bin/sh -c pip install fastapi" did not complete: exit code: 1
"""
PULL = """\
#2 [internal] load .dockerignore
#2 DONE 0.0s
#3 [internal] load metadata for registry.example/library/python:3.12-slim
#3 ERROR: failed to do request: dial tcp: lookup registry: no such host
------
 > [internal] load metadata for registry.example/library/python:3.12-slim:
------
failed to solve with frontend dockerfile.v0: failed to create LLB definition: dial tcp: no such host
"""
SYNTAX = """\
#1 [internal] load build definition from Dockerfile
#1 DONE 0.0s
failed to solve with frontend dockerfile.v0: failed to create LLB definition: \
dockerfile parse error line 5: unknown instruction: RUNN
"""


UV = """\
#8 [builder 4/5] RUN npm ci
#8 0.4 Creating virtual environment at: .venv
#8 0.9 error: No solution found when resolving dependencies
#8 0.9   cause: Because there is no version of fastapi==0.0.0 and you require it, none is left.
#8 ERROR: executor failed running [/bin/sh -c if [ -s /run/secrets/ca ]; then export \
SSL_CERT_FILE=/run/secrets/ca; fi; uv pip sync requirements.lock]: exit code: 1
"""
LOCK = "\n".join([
    "#8 [builder 4/5] RUN npm ci",
    "#8 0.5 npm error code EUSAGE",
    "#8 0.5 npm error `npm ci` can only install packages when your package.json and "
    "package-lock.json are in sync.",
    "#8 0.5 npm error Invalid: lock file's jose@6.2.18 does not satisfy jose@5.0.0",
    *(f"#8 0.5 npm error   --option-{number} is not what failed" for number in range(40)),
    "#8 ERROR: executor failed running [/bin/sh -c npm ci]: exit code: 1",
])  # fmt: skip


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (UV, ["seen:   cause: Because there is no version of fastapi", "name or version"]),
        (LOCK, ["can only install", "does not satisfy jose@5.0.0", "option-39", "a lock file"]),
        (NPM, ["step builder 4/5, line 5, `RUN npm ci`", "EUSAGE", "commit a lock file"]),
        (PIP, ["step stage-1 3/3, line 9, `RUN --mount", "CERTIFICATE", "private certificate"]),
        (PULL, ["line 2, `FROM ${BASE} AS builder`", "no such host", "base image available"]),
        (SYNTAX, ["line 5, `RUN npm ci`", "unknown instruction: RUNN", "syntax at this line"]),
        ("Cannot connect to the engine\n", ["outside its instructions", "Cannot connect"]),
    ],
    ids=["version", "lock", "run", "secret", "base", "syntax", "engine"],
)
def test_a_failing_build_names_step_and_cause(
    spec: ImageSpec, tmp_path: Path, says: str, words: list[str]
) -> None:
    engine = scripted(tmp_path / "engine", says, code=1)
    with pytest.raises(BuildFailedError) as raised:
        builder(engine, tmp_path, redact=Redactor(["hunter22"])).build(spec)
    assert raised.value.needed.startswith("image shop to build: ")
    for word in words:
        assert word in str(raised.value)
    assert "hunter22" not in str(raised.value)
    assert str(spec.file) in raised.value.looked


def test_a_repeated_line_is_found_by_its_number(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text("FROM a\nRUN x\nCOPY a b\nRUN x\nENV A=1\nRUN x\n")
    says = "#6 [5/5] RUN x\n#6 ERROR: exit code: 1\n"
    failure = read_failure(says, Dockerfile.read(file))
    assert failure.instruction is not None
    assert failure.instruction.line == 6
    says = "#4 [2/5] RUN x\n#4 ERROR: exit code: 1\n"
    failure = read_failure(says, Dockerfile.read(file))
    assert failure.instruction is not None
    assert failure.instruction.line == 2


def test_a_failed_build_can_be_repeated(spec: ImageSpec, tmp_path: Path) -> None:
    with pytest.raises(BuildFailedError):
        builder(scripted(tmp_path / "engine", NPM, code=1), tmp_path).build(spec)
    assert builder(scripted(tmp_path / "engine"), tmp_path).build(spec).built


def test_a_build_that_takes_too_long_names_where_it_was(spec: ImageSpec, tmp_path: Path) -> None:
    engine = scripted(tmp_path / "engine")
    client = Path(engine.client)
    slow = (
        'if argv[0] == "build":\n'
        '    sys.stderr.write("#7 [builder 4/5] RUN npm ci\\n#7 0.5 fetching\\n")\n'
        "    sys.stderr.flush(); import time; time.sleep(30)\n"
    )
    text = client.read_text()
    client.write_text(text.replace('if argv[0] == "build":\n', slow, 1))
    with pytest.raises(BuildTimedOutError) as raised:
        builder(engine, tmp_path, timeout=1).build(spec)
    assert "line 5, `RUN npm ci`" in raised.value.seen
    assert "fetching" in raised.value.seen


def test_a_build_that_leaves_no_image_is_a_failure(spec: ImageSpec, tmp_path: Path) -> None:
    engine = scripted(tmp_path / "engine")
    client = Path(engine.client)
    client.write_text(client.read_text().replace("images.write_text(json.dumps(known))", "pass"))
    with pytest.raises(BuildFailedError, match="the engine has no image shop/app:"):
        builder(engine, tmp_path).build(spec)


def test_a_missing_client_is_said(spec: ImageSpec, tmp_path: Path) -> None:
    engine = ScriptedEngine(str(tmp_path / "no-docker"))
    with pytest.raises(CommandMissingError):
        builder(engine, tmp_path).build(spec)


def test_the_cas_bundle_is_the_one_that_the_environment_names(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    second.write_text("x")
    assert ca_bundle({"SSL_CERT_FILE": str(first), "NODE_EXTRA_CA_CERTS": str(second)}) == second
    assert ca_bundle({}) is None
