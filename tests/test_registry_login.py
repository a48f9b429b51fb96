"""Names and passwords at a registry, and what its refusals mean."""

import base64
import json
from pathlib import Path

import pytest

from harness.registries.login import (
    PASSWORD,
    USERNAME,
    Login,
    LoginHalfGivenError,
    LoginUnknownError,
    docker_folder,
)
from harness.registries.registry import RegistryRefusedError

HOST = "registry.test:5000"


def config(folder: Path, host: str = HOST) -> Path:
    auth = base64.b64encode(b"ada:letmein").decode()
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
    return folder


def test_the_environment_comes_first(tmp_path: Path) -> None:
    given = {USERNAME: "bob", PASSWORD: "secret"}
    assert Login.find(HOST, given, config(tmp_path)) == Login("bob", "secret")


def test_nothing_given_is_nothing_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(config(tmp_path)))
    assert Login.find(HOST, {}, None) is None


@pytest.mark.parametrize("name", [USERNAME, PASSWORD])
def test_half_a_login(name: str) -> None:
    other = ({USERNAME, PASSWORD} - {name}).pop()
    with pytest.raises(LoginHalfGivenError, match=f"set {other}"):
        Login.find(HOST, {name: "x"}, None)


def test_a_docker_configuration_that_is_named(tmp_path: Path) -> None:
    assert Login.find(HOST, {}, config(tmp_path)) == Login("ada", "letmein")


@pytest.mark.parametrize(("host", "seen"), [("", "no such file"), ("other.test", HOST)])
def test_a_docker_configuration_without_a_login(tmp_path: Path, host: str, seen: str) -> None:
    if host:
        config(tmp_path, host)
    with pytest.raises(LoginUnknownError, match=seen) as caught:
        Login.find(HOST, {}, tmp_path)
    assert f"login {HOST}" in caught.value.fix


def test_the_folder_for_docker_is_private_and_gone() -> None:
    with docker_folder(Login("ada", "letmein"), HOST, "127.0.0.1:5001") as folder:
        file = folder / "config.json"
        assert file.stat().st_mode & 0o077 == 0
        assert folder.stat().st_mode & 0o077 == 0
        auths = json.loads(file.read_text())["auths"]
    assert set(auths) == {HOST, "127.0.0.1:5001"}
    assert base64.b64decode(auths[HOST]["auth"]) == b"ada:letmein"
    assert not folder.exists()
    with docker_folder(None, HOST) as folder:
        assert json.loads((folder / "config.json").read_text()) == {}


def test_a_login_is_not_shown() -> None:
    assert "letmein" not in repr(Login("ada", "letmein"))


@pytest.mark.parametrize(
    ("said", "cause", "fix"),
    [
        ("no basic auth credentials", "name and password", USERNAME),
        ("unauthorized: authentication required", "name and password", USERNAME),
        (
            "denied: requested access to the resource is denied",
            "may not push",
            "push to registry.test:5000/team",
        ),
        (
            "x509: certificate signed by unknown authority",
            "not trusted",
            "certs.d/registry.test:5000/ca.crt",
        ),
        (
            "http: server gave HTTP response to HTTPS client",
            "plain HTTP",
            "--deploy-registry-push=127.0.0.1",
        ),
        (
            "dial tcp: lookup registry.test: no such host",
            "does not reach",
            "--deploy-registry-push",
        ),
        ("connect: connection refused", "does not reach", "--deploy-registry-push"),
    ],
)
def test_what_a_refusal_means(said: str, cause: str, fix: str) -> None:
    error = RegistryRefusedError(f"{HOST}/team", said)
    assert cause in error.cause
    assert said in error.seen
    assert fix in error.fix


def test_an_unknown_refusal_is_shown_as_it_is() -> None:
    error = RegistryRefusedError(HOST, "the moon is in the wrong place")
    assert (error.cause, error.seen) == ("", "the moon is in the wrong place")
