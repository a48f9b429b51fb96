"""The stand-ins keep what people's Dockerfiles and compositions expect of the official images."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, STDOUT
from typing import Any

import pytest

from harness.cache import Cache
from harness.progress import Progress
from harness.supply.bases import Base, Bases
from harness.supply.engine import Engine, find_engine

pytestmark = pytest.mark.engine

PYTHONS = ["python:3.12-slim", "python:3.10-slim", "python:3.14-slim", "python:3.11-alpine"]
SNAKEOIL = [
    "-c", "ssl=on",
    "-c", "ssl_cert_file=/etc/ssl/certs/ssl-cert-snakeoil.pem",
    "-c", "ssl_key_file=/etc/ssl/private/ssl-cert-snakeoil.key",
]  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = find_engine(os.environ, Progress(quiet=True))
    yield engine
    engine.sdk().close()


@pytest.fixture(scope="module")
def bases(engine: Engine) -> Bases:
    return Bases(engine, Cache.default(os.environ), Progress(), dict(os.environ))


def run(engine: Engine, image: Base, *command: str, options: tuple[str, ...] = ()) -> str:
    words = ("run", "--rm", "--network=none", *engine.labels(), *options, image.ref, *command)
    return engine.run(*words, timeout=120).stdout


def test_privileged_containers_run(engine: Engine, bases: Bases) -> None:
    image = bases.ensure("debian:trixie-slim")
    mount = ("sh", "-c", "mount -t tmpfs none /mnt && echo mounted")
    assert run(engine, image, *mount, options=("--privileged",)) == "mounted\n"


def test_debian_is_trimmed(engine: Engine, bases: Bases) -> None:
    image = bases.ensure("debian:trixie-slim")
    folders = "/var/lib/apt/lists /usr/share/man /usr/share/locale"
    left = f"find {folders} -type f -size +0 | grep -v locale.alias"
    assert run(engine, image, "sh", "-c", f"{left} || true") == ""


def test_the_hosts_certificates_are_in_no_stand_in(engine: Engine, bases: Bases) -> None:
    """A CA of the machine's own, baked in, would make the image trust it everywhere."""
    image = bases.ensure("debian:trixie-slim")
    count = "grep -c BEGIN /etc/ssl/certs/ca-certificates.crt; ls /usr/local/share/ca-certificates"
    shipped = "find /usr/share/ca-certificates -name '*.crt' | wc -l"
    told = run(engine, image, "sh", "-c", f"{count}; {shipped}").split()
    assert told[0] == told[1]


@pytest.mark.parametrize("official", PYTHONS)
def test_python_is_laid_out_as_in_the_official_image(
    engine: Engine, bases: Bases, official: str
) -> None:
    image = bases.ensure(official)
    script = "import sys, sysconfig; print(sys.executable, sysconfig.get_path('purelib'))"
    program, packages = run(engine, image, "python", "-c", script).split()
    assert program == "/usr/local/bin/python"
    assert packages.startswith("/usr/local/lib/python3.")
    assert packages.endswith("/site-packages")


@pytest.mark.parametrize("official", PYTHONS)
def test_python_packages_are_copied_from_stage_to_stage(
    engine: Engine, bases: Bases, tmp_path: Path, official: str
) -> None:
    """What many Dockerfiles do: install in one stage, copy site-packages and bin to the next."""
    image = bases.ensure(official)
    (tmp_path / "greeting").mkdir()
    (tmp_path / "greeting" / "pyproject.toml").write_text(
        '[project]\nname = "greeting"\nversion = "1"\n[project.scripts]\ngreet = "greeting:greet"\n'
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    (tmp_path / "greeting" / "backend.py").write_text(BACKEND)
    (tmp_path / "Dockerfile").write_text(f"""
FROM {image.ref} AS build
COPY greeting /greeting
RUN pip install --no-index --no-build-isolation /greeting
RUN python -m venv /venv && /venv/bin/pip install --no-index --no-build-isolation /greeting
FROM {image.ref}
COPY --from=build /usr/local/lib/ /usr/local/lib/
COPY --from=build /usr/local/bin/ /usr/local/bin/
COPY --from=build /venv /venv
""")
    name = f"deploy-test:{secrets.token_hex(4)}"
    engine.run("build", *engine.labels(), "--tag", name, tmp_path, timeout=300)
    try:
        built = Base(name, name, stand_in=False, detail="")
        assert run(engine, built, "greet") == "hello\n"
        assert run(engine, built, "/venv/bin/greet") == "hello\n"
    finally:
        engine.run("image", "rm", name, timeout=60)


BACKEND = """
import zipfile

def build_wheel(folder, *_):
    name = "greeting-1-py3-none-any.whl"
    info = "greeting-1.dist-info"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.writestr("greeting.py", "def greet(): print('hello')")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: greeting\\nVersion: 1\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/entry_points.txt", "[console_scripts]\\ngreet = greeting:greet\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return name
"""  # noqa: E501


@pytest.mark.parametrize("command", [("node", "-p"), ("-p",)], ids=["node -p", "-p"])
def test_node_runs_scripts_as_the_official_entry_point_does(
    engine: Engine, bases: Bases, command: tuple[str, ...]
) -> None:
    image = bases.ensure("node:24-slim")
    assert run(engine, image, *command, "process.versions.node").startswith("24.")


@pytest.mark.parametrize("official", ["node:24-slim", "node:20-alpine"])
def test_node_has_its_package_managers_and_its_user(
    engine: Engine, bases: Bases, official: str
) -> None:
    image = bases.ensure(official)
    options = ("--user", "node")
    script = "id -u && npm --version && npx --version && yarn --version && corepack --version"
    told = run(engine, image, "sh", "-c", script, options=options).split()
    assert told[0] == "1000"
    assert told[1] == told[2]
    assert told[3].startswith("1.22.")
    assert len(told) == 5


def test_alpine_speaks_its_dialect(engine: Engine, bases: Bases) -> None:
    image = bases.ensure("alpine:3.20")
    script = """set -eo pipefail
addgroup -S -g 4000 web && adduser -S -D -H -u 4001 -G web web && id -u web && id -gn web
cat /etc/alpine-release
for tool in bash apt-get useradd; do command -v $tool || echo no $tool; done
[[ abc == a* ]] && echo -e 'a\\tb'
"""
    told = run(engine, image, "sh", "-c", script).splitlines()
    assert told == ["4001", "web", "3.20", "no bash", "no apt-get", "no useradd", "a\tb"]


def test_a_package_that_nobody_knows_is_told_with_what_this_image_is(
    engine: Engine, bases: Bases
) -> None:
    image = bases.ensure("alpine:3.20")
    command = ("apk", "add", "--no-cache", "no-such-package")
    done = engine.run(
        "run", "--rm", *engine.labels(), image.ref, *command, timeout=120, check=False
    )
    assert done.returncode == 1
    assert "unable to select packages: no-such-package" in done.stderr
    assert "stands in for one on Alpine" in done.stderr


@contextmanager
def serving(engine: Engine, ref: str, *command: str, says: str, **options: Any) -> Iterator[Any]:
    """A running container, when its log has said some words."""
    container = engine.sdk().containers.run(
        ref,
        list(command),
        detach=True,
        labels={"io.deploy-harness.managed": "true", "io.deploy-harness.cluster": "none"},
        **options,
    )
    try:
        follow(engine, container, says)
        yield container
    finally:
        container.remove(force=True, v=True)


@pytest.mark.parametrize(
    ("official", "user", "port"),
    [
        ("nginx:1.25-alpine", "0", "80"),
        ("nginx", "0", "80"),
        ("nginxinc/nginx-unprivileged:alpine", "101", "8080"),
    ],
)
def test_nginx_keeps_the_contract(
    engine: Engine, bases: Bases, tmp_path: Path, official: str, user: str, port: str
) -> None:
    image = bases.ensure(official)
    tmp_path.chmod(0o755)
    (tmp_path / "extra.conf.template").write_text(
        "server { listen 8123; location / { return 200 '$uri of ${WHO}'; } }"
    )
    volumes = {str(tmp_path): {"bind": "/etc/nginx/templates", "mode": "ro"}}
    with serving(
        engine, image.ref, says="start worker process", environment={"WHO": "ann"}, volumes=volumes
    ) as container:
        container.reload()
        config = container.attrs["Config"]
        assert (list(config["ExposedPorts"]), config["StopSignal"]) == ([f"{port}/tcp"], "SIGQUIT")
        ask = f"id -u; curl -sS localhost:{port}; curl -sS localhost:8123/x"
        told = container.exec_run(["sh", "-c", ask]).output.decode()
        assert told.startswith(f"{user}\n")
        assert "Welcome to nginx!" in told
        assert told.endswith("/x of ann")
        assert b"GET /x" in container.logs()


def test_redis_keeps_the_contract(engine: Engine, bases: Bases) -> None:
    image = bases.ensure("redis:7-alpine")
    with serving(
        engine, image.ref, "--requirepass", "secret", says="Ready to accept connections"
    ) as container:
        container.reload()
        host = container.attrs["NetworkSettings"]["IPAddress"]
        ask = ["redis-cli", "-h", host, "-a", "secret", "--no-auth-warning", "ping"]
        assert container.exec_run(ask).output == b"PONG\n"
        refused = container.exec_run(["redis-cli", "-h", host, "ping"]).output
        assert refused.startswith(b"NOAUTH")
        owner = container.exec_run(["stat", "-c", "%u", "/data", "/proc/1"]).output
        assert owner.split() == [b"999", b"999"]


@pytest.mark.parametrize("official", ["busybox:1.36", "alpine:3.20"])
def test_what_waits_for_a_port_waits_for_it(engine: Engine, bases: Bases, official: str) -> None:
    image = bases.ensure(official)
    script = """nc -z -w 1 127.0.0.1 8080 && exit 1
mkdir /tmp/www && echo here > /tmp/www/index.html
busybox httpd -p 8080 -h /tmp/www
until nc -z 127.0.0.1 8080; do sleep 0.1; done
wget -q -O - http://127.0.0.1:8080/
"""
    assert run(engine, image, "sh", "-c", script) == "here\n"


def test_uv_is_copied_from_its_image(engine: Engine, bases: Bases, tmp_path: Path) -> None:
    python = bases.ensure("python:3.11-alpine")
    uv = bases.ensure("ghcr.io/astral-sh/uv:0.5")
    (tmp_path / "Dockerfile").write_text(f"""
FROM {python.ref}
COPY --from={uv.ref} /uv /uvx /bin/
RUN uv venv --offline /venv && /venv/bin/python -c 'import sys; print(sys.version)'
""")
    name = f"deploy-test:{secrets.token_hex(4)}"
    engine.run("build", *engine.labels(), "--tag", name, tmp_path, timeout=300)
    try:
        built = Base(name, name, stand_in=False, detail="")
        assert run(engine, built, "uvx", "--version").startswith("uvx ")
    finally:
        engine.run("image", "rm", name, timeout=60)


def follow(engine: Engine, container: Any, *words: str) -> None:
    """Return when the log has said these words, one after the other."""
    seen, wanted = "", list(words)
    argv = engine.argv("logs", "--follow", container.id)
    with subprocess.Popen(argv, stdout=PIPE, stderr=STDOUT, text=True) as log:
        for line in log.stdout or ():
            seen += line
            if wanted[0] in line:
                wanted.pop(0)
            if not wanted:
                log.kill()
                return
    pytest.fail(f"it ended without {wanted[0]!r}: {seen[-2000:]}")


@contextmanager
def postgres(
    engine: Engine, image: Base, *command: str, env: dict[str, str], scripts: Path | None = None
) -> Iterator[Any]:
    """A running server, when it says that it takes connections for good."""
    volumes = {str(scripts): {"bind": "/docker-entrypoint-initdb.d", "mode": "ro"}}
    container = engine.sdk().containers.run(
        image.ref,
        list(command),
        detach=True,
        environment=env,
        volumes=volumes if scripts else {},
        labels={"io.deploy-harness.managed": "true", "io.deploy-harness.cluster": "none"},
    )
    try:
        follow(engine, container, "init process complete", "ready to accept connections")
        yield container
    finally:
        container.remove(force=True, v=True)


def psql(container: Any, *words: str, password: str) -> tuple[int, str]:
    code, out = container.exec_run(
        ["psql", "-XAtq", *words], environment={"PGPASSWORD": password}, user="postgres"
    )
    return code, out.decode().strip()


def test_postgres_keeps_the_contract(engine: Engine, bases: Bases, tmp_path: Path) -> None:
    image = bases.ensure("postgres:17")
    (tmp_path / "1.sql").write_text(
        "CREATE TABLE seen (word text); INSERT INTO seen VALUES ('sql');"
    )
    (tmp_path / "2.sh").write_text(
        'psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB"'
        " -c \"INSERT INTO seen VALUES ('sh')\"\n"
    )
    tmp_path.chmod(0o755)
    password = 'it\'s $odd "enough"'
    env = {"POSTGRES_USER": "app", "POSTGRES_PASSWORD": password, "POSTGRES_DB": "my shop"}
    with postgres(engine, image, *SNAKEOIL, env=env, scripts=tmp_path) as container:
        container.reload()
        host = container.attrs["NetworkSettings"]["IPAddress"]
        where = f"host={host} user=app dbname='my shop'"
        ask = "SELECT string_agg(word, ' ' ORDER BY word) FROM seen"
        assert psql(container, where, "-c", ask, password=password) == (0, "sh sql")
        assert psql(container, where, "-c", "SHOW server_encoding", password=password)[1] == "UTF8"
        ssl = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        assert psql(container, f"{where} sslmode=require", "-c", ssl, password=password)[1] == "t"
        code, refusal = psql(container, where, "-c", "SELECT 1", password="wrong")
        assert code != 0
        assert "password authentication failed" in refusal
        assert container.attrs["Config"]["StopSignal"] == "SIGINT"
        container.restart(timeout=30)
        follow(engine, container, "Skipping initialization", "ready to accept connections")


def test_postgres_without_a_password_says_what_to_set(engine: Engine, bases: Bases) -> None:
    image = bases.ensure("postgres:17")
    done = engine.run("run", "--rm", *engine.labels(), image.ref, timeout=60, check=False)
    assert done.returncode == 1
    assert "POSTGRES_PASSWORD" in done.stderr


def test_postgres_runs_other_commands_and_asks_nothing(engine: Engine, bases: Bases) -> None:
    image = bases.ensure("postgres:17")
    assert run(engine, image, "psql", "--version").startswith("psql (PostgreSQL) 17.")
    assert run(engine, image, "--version").startswith("postgres (PostgreSQL) 17.")


@pytest.mark.parametrize("official", ["python:3.12-slim", "node:24-slim", "postgres:17"])
def test_a_stand_in_says_what_it_stands_in_for(engine: Engine, bases: Bases, official: str) -> None:
    base = bases.ensure(official)
    if not base.stand_in:
        pytest.skip(f"the official {official} is here")
    labels = engine.image_labels(base.ref)
    assert labels["io.deploy-harness.stands-in-for"] == official
    assert labels["io.deploy-harness.managed"] == "true"
    assert not engine.has_image(official)
