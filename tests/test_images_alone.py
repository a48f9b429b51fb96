"""Images built for real, run alone, and stopped."""

from __future__ import annotations

import errno
import io
import json
import socket
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from images_support import FixedBases, official, real_engine

from harness import command
from harness.cache import Cache
from harness.images import containers
from harness.images.alone import (
    Alone,
    CommandInImageFailedError,
    ContainerExitedError,
    ContainerNotStartedError,
    ContainerSilentError,
)
from harness.images.build import Builder
from harness.images.failure import BuildFailedError
from harness.images.logs import error_lines
from harness.images.spec import ImageSpec
from harness.labels import MANAGED
from harness.progress import Progress
from harness.supply.engine import Engine

_NET_RAW, _SYS_ADMIN = 13, 21  # capabilities(7)
SECRET = "a-very-secret-value"
SERVER = """
import http.server, os, signal, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if self.path == "/ready" else 200)
        self.end_headers()
        self.wfile.write(b"secret is " + os.environ["SECRET"].encode())
host = os.environ.get("HOST", "0.0.0.0")
if os.environ.get("OBEY") != "no":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
else:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("started with", os.environ["SECRET"], flush=True)
open("/tmp/can-write", "w").close()
http.server.HTTPServer((host, 8000), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def engine() -> Engine:
    return real_engine()


@pytest.fixture(scope="module")
def python(engine: Engine) -> str:
    return official(engine, "python:3.12-slim")


def server(engine: Engine, python: str, **env: str) -> Alone:
    return Alone(
        engine,
        python,
        8000,
        env={"SECRET": SECRET} | env,
        secrets=[SECRET],
        command=["python3", "-u", "-c", SERVER],
    )


@pytest.mark.engine
def test_a_container_answers_and_obeys(engine: Engine, python: str) -> None:
    with server(engine, python).started() as running:
        answer = running.answers("/health")
        assert answer.status == 200
        assert answer.body == f"secret is {SECRET}"
        assert running.errors() == []
        assert "started with [redacted]" in running.log()
        stopped = running.stop()
        assert (stopped.exit_code, stopped.killed) == (0, False)
        container = running.container
    assert container.id not in [one.id for one in engine.sdk().containers.list(all=True)]


@pytest.mark.engine
def test_a_container_that_does_not_obey_is_killed(engine: Engine, python: str) -> None:
    with server(engine, python, OBEY="no").started() as running:
        running.answers()
        stopped = running.stop(grace=0.5)
        assert (stopped.exit_code, stopped.killed) == (137, True)


@pytest.mark.engine
def test_no_secret_is_in_an_argument_list(
    engine: Engine, python: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(command.subprocess, "Popen", lambda argv, **_: seen.append(argv))
    with server(engine, python).started() as running:
        running.answers()
    assert seen == []  # no program was run at all: the engine was spoken to by its API


@pytest.mark.engine
def test_an_early_end_is_told_at_once(engine: Engine, python: str) -> None:
    alone = Alone(
        engine,
        python,
        8000,
        env={"SECRET": SECRET},
        secrets=[SECRET],
        command=[
            "python3",
            "-c",
            "import os; exit('DATABASE_URL missing ' + os.environ['SECRET'])",
        ],
    )
    with alone.started() as running, pytest.raises(ContainerExitedError) as raised:
        running.answers(timeout=60)
    assert raised.value.code == 1
    assert "exit code 1" in raised.value.seen
    assert "DATABASE_URL missing [redacted]" in raised.value.seen


@pytest.mark.engine
def test_silence_tells_the_last_answer(engine: Engine, python: str) -> None:
    with server(engine, python).started() as running:
        running.answers()
        with pytest.raises(ContainerSilentError) as raised:
            running.answers("/ready", timeout=1)
    assert "status 503: secret is [redacted]" in raised.value.seen


@pytest.mark.engine
def test_a_server_on_loopback_is_named(engine: Engine, python: str) -> None:
    alone = server(engine, python, HOST="127.0.0.1")
    with alone.started() as running, pytest.raises(ContainerSilentError, match="on 127"):
        running.answers(timeout=30)  # it need not be waited for


@pytest.mark.engine
def test_the_root_file_system_is_read_only(engine: Engine, python: str) -> None:
    write = ["python3", "-c", "open('/x', 'w')"]
    with pytest.raises(CommandInImageFailedError, match="Read-only file system"):
        Alone(engine, python, None, command=write).to_end()
    Alone(engine, python, None, command=write, read_only=False).to_end()


LOOKS = """
import json, socket, sys
def call(host, port):
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError as error:
        return error.errno or str(error)
    return 0
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
mounts = [line.split()[1] for line in open("/proc/mounts")]
print(json.dumps({
    "outside": call(sys.argv[1], 53),
    "new privileges": status["NoNewPrivs"].strip(),
    "powers": status["CapBnd"].strip(),
    "mounts": mounts,
}))
"""


def gateway() -> str:
    """Return the address of this machine's router."""
    for line in Path("/proc/net/route").read_text().splitlines()[1:]:
        _, destination, router, *_ = line.split()
        if int(destination, 16) == 0:
            return socket.inet_ntoa(int(router, 16).to_bytes(4, "little"))
    pytest.skip("this machine has no way out itself")


@pytest.mark.engine
def test_a_container_has_limits_and_no_way_out(engine: Engine, python: str, tmp_path: Path) -> None:
    cluster = f"test-{uuid.uuid4().hex[:8]}"
    closed = containers.closed_network(engine, Cache(tmp_path / "cache"), cluster)
    if not closed:
        pytest.skip("this machine is in none of the engine's networks")
    looks = Alone(engine, python, None, command=["python3", "-c", LOOKS, gateway()])
    try:
        # A router that is reached answers, be it with a refusal; else nothing would be proven.
        assert json.loads(looks.to_end())["outside"] in (0, errno.ECONNREFUSED)
        seen = json.loads(replace(looks, network=closed).to_end())
        assert seen["outside"] in ("timed out", errno.ENETUNREACH)
        assert seen["new privileges"] == "1"
        assert int(seen["powers"], 16) & (1 << _NET_RAW | 1 << _SYS_ADMIN) == 0
        assert not [m for m in seen["mounts"] if m.startswith(("/host", "/var/run", "/root"))]
        # All the same, this machine reaches its port, and sees when it has ended.
        with replace(server(engine, python), network=closed).started() as running:
            assert running.answers("/health").status == 200
            host = running.container.attrs["HostConfig"]
            assert (host["Memory"], host["PidsLimit"]) == (2 * 2**30, 1024)
            running.stop()
            with pytest.raises(ContainerExitedError):
                running.answers("/health", timeout=1)
    finally:
        containers.remove_side_network(engine, cluster)
    assert engine.sdk().networks.list(names=[closed]) == []


@pytest.mark.engine
def test_a_container_that_eats_memory_is_ended(engine: Engine, python: str) -> None:
    alone = Alone(engine, python, None, command=["python3", "-c", "x = b'x' * 3_000_000_000"])
    with pytest.raises(CommandInImageFailedError) as raised:
        alone.to_end()
    assert raised.value.code == 137


@pytest.mark.engine
def test_a_command_that_takes_too_long(engine: Engine, python: str) -> None:
    slow = ["python3", "-uc", "import time; print('waiting'); time.sleep(60)"]
    with pytest.raises(CommandInImageFailedError, match="still running after 2 s") as raised:
        Alone(engine, python, None, command=slow).to_end(timeout=2)
    assert raised.value.code is None


@pytest.mark.engine
def test_what_cannot_be_started(engine: Engine, python: str) -> None:
    alone = Alone(engine, python, None, command=["no-such-program"])
    with pytest.raises(ContainerNotStartedError, match="no-such-program"):
        alone.to_end()
    with pytest.raises(ContainerNotStartedError, match="No such image"):
        Alone(engine, "deploy-harness-test/nothing:1", None).to_end()


@dataclass
class Workshop:
    """A builder, and a folder for a Dockerfile."""

    builder: Builder
    root: Path
    repository: str

    def spec(self, dockerfile: str, **files: str) -> ImageSpec:
        (self.root / "Dockerfile").write_text("ARG BASE=python:3.12-slim\n" + dockerfile)
        for name, text in files.items():
            (self.root / name).write_text(text)
        return ImageSpec("shop", self.root, self.repository, bases={"BASE": "python:3.12-slim"})


@pytest.fixture
def workshop(engine: Engine, python: str, tmp_path: Path) -> Iterator[Workshop]:
    bundle = tmp_path / "ca.crt"
    bundle.write_text("the bundle of this house")
    bases: Any = FixedBases({"python:3.12-slim": python})
    progress = Progress(stream=io.StringIO())
    environ = {"SSL_CERT_FILE": str(bundle)}
    builder = Builder(engine, bases, Cache(tmp_path / "cache"), progress, environ)
    (tmp_path / "app").mkdir()
    repository = f"deploy-harness-test/{uuid.uuid4().hex[:12]}"
    yield Workshop(builder, tmp_path / "app", repository)
    for image in engine.sdk().images.list(name=repository):
        engine.run("image", "rm", "--force", *image.tags, timeout=60)


@pytest.mark.engine
def test_a_real_build_and_the_next(engine: Engine, workshop: Workshop) -> None:
    spec = workshop.spec("FROM ${BASE}\nCOPY a /a\n", a="1")
    first = workshop.builder.build(spec)
    assert first.built
    labels = engine.sdk().images.get(first.ref).labels
    assert labels[MANAGED] == "true"
    again = workshop.builder.build(spec)
    assert (again.id, again.built) == (first.id, False)
    (workshop.root / "a").write_text("2")
    assert workshop.builder.build(spec).ref != first.ref


@pytest.mark.engine
def test_the_hosts_bundle_is_there_in_the_build_only(engine: Engine, workshop: Workshop) -> None:
    spec = workshop.spec(
        "FROM ${BASE}\n"
        "RUN --mount=type=secret,id=ca_bundle grep -q house /run/secrets/ca_bundle\n"
        'CMD ["sh", "-c", "! test -s /run/secrets/ca_bundle"]\n'
    )
    Alone(engine, workshop.builder.build(spec).ref, None).to_end()


@pytest.mark.engine
@pytest.mark.parametrize(
    ("dockerfile", "words"),
    [
        (
            "FROM ${BASE} AS one\nRUN true\nFROM ${BASE}\nRUN echo tried && \\\n    no-such-tool\n",
            ["stage-1 2/2, line 5", "no-such-tool", "not found", "tried"],
        ),
        (
            "FROM ${BASE} AS one\nFROM ${BASE}\nCOPY --from=one /no/such /x\n",
            ["line 4, `COPY --from=one", "/no/such"],
        ),
        ("FROM ${BASE}\nRUNN true\n", ["line 3, `RUNN true`", "unknown instruction", "syntax"]),
    ],
    ids=["run", "copy", "syntax"],
)
def test_a_real_failure_names_step_and_cause(
    workshop: Workshop, dockerfile: str, words: list[str]
) -> None:
    with pytest.raises(BuildFailedError) as raised:
        workshop.builder.build(workshop.spec(dockerfile))
    for word in words:
        assert word in str(raised.value)


@pytest.mark.engine
def test_an_interrupted_build_leaves_nothing_in_the_way(workshop: Workshop) -> None:
    slow = workshop.spec("FROM ${BASE}\nCOPY wait /wait\nRUN sleep $(cat /wait)\n", wait="60")
    argv = ["--tag", f"{workshop.repository}:slow", str(workshop.root)]
    base = workshop.builder.bases.ensure("python:3.12-slim").ref
    with pytest.raises(command.CommandTimedOutError):
        workshop.builder.engine.run("build", "--build-arg", f"BASE={base}", *argv, timeout=3)
    (workshop.root / "wait").write_text("0")
    assert workshop.builder.build(slow).built


@pytest.mark.engine
def test_the_side_network_is_made_once_and_removed_when_empty(
    engine: Engine, python: str, tmp_path: Path
) -> None:
    cluster = f"test-{uuid.uuid4().hex[:8]}"
    names = {containers.side_network(engine, Cache(tmp_path), cluster) for _ in range(2)}
    assert names == {f"{cluster}-side"}
    wait = ["python3", "-c", "import time; time.sleep(60)"]
    network = names.pop()
    with Alone(engine, python, None, command=wait, network=network).started() as running:
        containers.remove_side_network(engine, cluster)
        containers.join(engine, running.container, network, "other-name")
        look = ["python3", "-c", "import socket; print(socket.gethostbyname('other-name'))"]
        assert Alone(engine, python, None, command=look, network=network).to_end()
        with pytest.raises(containers.NetworkMissingError, match="no-such-network"):
            containers.join(engine, running.container, "no-such-network", "x")
    containers.remove_side_network(engine, cluster)
    assert engine.sdk().networks.list(names=[network]) == []


@pytest.mark.parametrize(
    "line",
    [
        "Traceback (most recent call last):",
        "sqlalchemy.exc.OperationalError: no",
        "2026-01-01 ERROR something",
        '{"level":"error","msg":"x"}',
        "time=1 level=fatal msg=x",
        "panic: runtime error",
        "UnhandledPromiseRejection",
        "Error: listen EADDRINUSE: address already in use",
        " \u2a2f Failed to start server",
        "error: no such column",
        "OSError: [Errno 30] Read-only file system",
    ],
)
def test_lines_that_announce_an_error(line: str) -> None:
    assert error_lines(f"fine\n{line}\nfine") == [line]
    assert error_lines(line, ignore=[".*"]) == []


@pytest.mark.parametrize(
    "line",
    [
        "INFO: Application startup complete.",
        "0 errors, 0 warnings",
        '{"level":"info","errors":0}',
        "GET /error 200",
        "error_log is off",
        "Loaded ErrorHandler",
        "no error",
        "terrors",
    ],
)
def test_lines_that_do_not(line: str) -> None:
    assert error_lines(line) == []
