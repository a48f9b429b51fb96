"""A real registry: what it takes, what it refuses, and what is not sent twice."""

from __future__ import annotations

import datetime
import ipaddress
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from images_support import real_engine

from harness.cache import Cache
from harness.clusters.errors import ImageMissingError
from harness.progress import Progress
from harness.registries.container import OFFICIAL, Certificate, RegistryContainer
from harness.registries.login import Login
from harness.registries.registry import Registry, RegistryRefusedError
from harness.supply.bases import Bases
from harness.supply.engine import Engine

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]
ADA = Login("ada", "let-me-in-17")
RUN = uuid.uuid4().hex[:8]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return real_engine()


@pytest.fixture(scope="module")
def image(engine: Engine) -> str:
    bases = Bases(engine, Cache.default(os.environ), Progress(stream=sys.stderr), os.environ)
    return bases.ensure(OFFICIAL).ref


@pytest.fixture(scope="module")
def closed(engine: Engine, image: str) -> Iterator[RegistryContainer]:
    """A registry that wants a name and a password."""
    users = {ADA.username: ADA.password}
    with RegistryContainer(engine, image, f"deploy-test-{RUN}-closed", users=users) as registry:
        yield registry


@pytest.fixture(scope="module")
def secured(
    engine: Engine, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RegistryContainer]:
    """A registry that speaks TLS, vouched for by nobody."""
    certificate = _certificate(tmp_path_factory.mktemp("tls"))
    with RegistryContainer(engine, image, f"deploy-test-{RUN}-tls", tls=certificate) as registry:
        yield registry


@pytest.fixture
def content(engine: Engine, tmp_path: Path) -> Iterator[str]:
    """An image of no other content in the engine."""
    ref = f"deploy-test-{uuid.uuid4().hex[:8]}:1"
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY word /word\n")
    (tmp_path / "word").write_text(ref)
    engine.run("build", "--quiet", "--tag", ref, str(tmp_path), timeout=60)
    yield ref
    shown = ("images", "--digests", "--format", "{{.Repository}} {{.ID}}")
    listed = map(str.split, engine.run(*shown, timeout=30).stdout.splitlines())
    mine = {identity for name, identity in listed if ref.removesuffix(":1") in name}
    engine.run("rmi", "--force", *mine, timeout=60)


def names(engine: Engine) -> set[str]:
    listed = engine.run("images", "--format", "{{.Repository}}:{{.Tag}}", timeout=30).stdout
    return set(listed.split())


def test_an_image_is_brought_once(engine: Engine, closed: RegistryContainer, content: str) -> None:
    registry = Registry(engine, f"{closed.inside}/team", f"{closed.outside}/team", ADA)
    name = registry.adopt(content)
    assert name == f"{closed.inside}/team/{content}"
    first = registry.put([name])
    assert (first.loaded, first.already_there) == ((name,), ())
    again = registry.put([name, name])
    assert (again.loaded, again.already_there) == ((), (name,))


def test_other_content_under_the_same_name_is_brought(
    engine: Engine, closed: RegistryContainer, content: str, tmp_path: Path
) -> None:
    registry = Registry(engine, closed.inside, closed.outside, ADA)
    name = registry.adopt(content)
    registry.put([name])
    (tmp_path / "word").write_text("another")
    engine.run("build", "--quiet", "--tag", content, str(tmp_path), timeout=60)
    registry.adopt(content)
    assert registry.put([name]).loaded == (name,)
    assert registry.put([name]).loaded == ()


def test_what_a_registry_has_lost_is_brought_again(
    engine: Engine, image: str, content: str
) -> None:
    for _ in range(2):
        with RegistryContainer(engine, image, f"deploy-test-{RUN}-open") as open_:
            registry = Registry(engine, open_.outside, open_.outside)
            assert registry.put([registry.adopt(content)]).loaded


def test_an_image_that_is_not_there(engine: Engine, closed: RegistryContainer) -> None:
    registry = Registry(engine, closed.outside, closed.outside, ADA)
    with pytest.raises(ImageMissingError, match="nobody-has-this"):
        registry.put(["nobody-has-this:1"])


def test_the_way_is_open(engine: Engine, closed: RegistryContainer) -> None:
    before = names(engine)
    Registry(engine, f"{closed.outside}/team", f"{closed.outside}/team", ADA).check("shop")
    assert names(engine) == before


@pytest.mark.parametrize("login", [None, Login("ada", "wrong-17"), Login("eve", ADA.password)])
def test_a_registry_that_wants_another_login(
    engine: Engine, closed: RegistryContainer, login: Login | None
) -> None:
    before = names(engine)
    with pytest.raises(RegistryRefusedError) as caught:
        Registry(engine, closed.outside, closed.outside, login).check("shop")
    assert "name and password" in caught.value.cause, str(caught.value)
    assert "wrong-17" not in str(caught.value)
    assert names(engine) == before


class Forbidding(BaseHTTPRequestHandler):
    """A registry that lets people in, and lets them do nothing."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        known = self.path == "/v2/"
        said = b'{"errors":[{"code":"DENIED","message":"not you"}]}'
        self.send_response(200 if known else 403)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said)

    do_HEAD = do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Be quiet."""


def test_an_account_that_may_not_push(engine: Engine) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Forbidding) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        place = f"127.0.0.1:{server.server_port}"
        with pytest.raises(RegistryRefusedError) as caught:
            Registry(engine, place, place, ADA).check("shop")
        server.shutdown()
    assert "may not push" in caught.value.cause, str(caught.value)


def test_a_registry_without_tls(engine: Engine, closed: RegistryContainer) -> None:
    with pytest.raises(RegistryRefusedError) as caught:
        Registry(engine, closed.address, closed.address, ADA).check("shop")
    assert "plain HTTP" in caught.value.cause, str(caught.value)


def test_a_certificate_that_nobody_trusts(engine: Engine, secured: RegistryContainer) -> None:
    with pytest.raises(RegistryRefusedError) as caught:
        Registry(engine, secured.address, secured.address).check("shop")
    assert "not trusted" in caught.value.cause, str(caught.value)


def test_a_registry_that_is_not_there(engine: Engine, image: str) -> None:
    with RegistryContainer(engine, image, f"deploy-test-{RUN}-gone") as gone:
        place = gone.outside
    with pytest.raises(RegistryRefusedError) as caught:
        Registry(engine, place, place).check("shop")
    assert "does not reach" in caught.value.cause, str(caught.value)


def test_it_is_used_again_as_long_as_it_fits(engine: Engine, image: str) -> None:
    name = f"deploy-test-{RUN}-kept"
    with RegistryContainer(engine, image, name) as first:
        place = first.outside
        RegistryContainer(engine, image, name).ensure()
        assert first.outside == place
        RegistryContainer(engine, image, name, users={"a": "b"}).ensure()
        assert first.outside != place
    said = subprocess.run(
        engine.argv("ps", "--all", "--format", "{{.Names}}"), capture_output=True, text=True
    )
    assert name not in said.stdout.split()


def _certificate(folder: Path) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "registry")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    chain, private = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(pem))
    private.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Certificate(chain, private)
