"""Searching images: what is in their layers, deleted or not, and in their configuration."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from images_support import real_engine

from harness.cache import Cache
from harness.images import archive
from harness.images.inspect import ImageFacts, compressed_size, inspect
from harness.images.layers import Finding, search
from harness.images.needles import authority_needles, find, secret_needles
from harness.images.suspects import Kind, suspects
from harness.supply.engine import Engine

SECRET = "correct horse/battery+staple"


def tarball(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            if content.startswith(b"->"):
                info.type, info.linkname = tarfile.SYMTYPE, content[2:].decode()
                content = b""
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def saved(layers: Sequence[dict[str, bytes]], layout: str = "classic", **config: Any) -> bytes:
    """Return what `docker save` would give for an image of these layers."""
    tars = [tarball(layer) for layer in layers]
    history = [{"created_by": f"step {n}"} for n in range(len(tars))]
    digests = ["sha256:" + hashlib.sha256(tar).hexdigest() for tar in tars]
    described = {
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": digests},
        "history": [{"created_by": "ENV A=b", "empty_layer": True}, *history],
    }
    files: dict[str, bytes] = {}
    if layout == "classic":
        names = [f"layer{n}/layer.tar" for n in range(len(tars))]
        files |= dict(zip(names, tars, strict=True))
        files |= {f"layer{n}/VERSION": b"1.0" for n in range(len(tars))}
        files["config.json"] = json.dumps(described).encode()
        manifest: dict[str, Any] = {"Config": "config.json", "Layers": names}
    else:
        packed = [gzip.compress(tar) if layout == "oci-gzip" else tar for tar in tars]
        names = ["blobs/sha256/" + hashlib.sha256(blob).hexdigest() for blob in packed]
        files |= dict(zip(names, packed, strict=True))
        files["oci-layout"] = b'{"imageLayoutVersion": "1.0.0"}'
        files["blobs/sha256/c0"] = json.dumps(described).encode()
        manifest = {"Config": "blobs/sha256/c0", "Layers": names}
    files["manifest.json"] = json.dumps([manifest]).encode()
    return tarball(files)


@dataclass
class SavedEngine:
    """An engine that has one image, as `docker save` gives it, in pieces of odd size."""

    content: bytes
    base: tuple[str, ...] = ()

    def sdk(self) -> Any:
        image = SimpleNamespace(save=lambda chunk_size: self._pieces(), history=list)
        return SimpleNamespace(images=SimpleNamespace(get=lambda ref: image))

    def run(self, *arguments: str, **more: Any) -> Any:
        facts = {"Id": "x", "Size": 1, "RootFS": {"Layers": self.base}}
        return SimpleNamespace(returncode=0, stdout=json.dumps([facts]))

    def _pieces(self) -> Iterator[bytes]:
        for start in range(0, len(self.content), 777):
            yield self.content[start : start + 777]


def searched(content: bytes, **more: Any) -> list[Finding]:
    engine: Any = SavedEngine(content, more.pop("below", ()))
    return list(search(engine, "shop:1", **more))


@pytest.mark.parametrize("layout", ["classic", "oci", "oci-gzip"])
def test_a_deleted_secret_is_still_found(layout: str) -> None:
    content = saved(
        [
            {"etc/os-release": b"x", "app/.env": f"KEY={SECRET}\n".encode()},
            {"app/.wh..env": b"", "app/main.py": b"print()"},
        ],
        layout,
    )
    env_file, secret = sorted(
        searched(content, secrets={"API_KEY": SECRET}), key=lambda one: one.kind
    )
    assert (env_file.kind, env_file.where, env_file.hidden) == (Kind.ENV_FILE, "/app/.env", True)
    assert (secret.kind, secret.layer, secret.created_by) == (Kind.SECRET, 0, "step 0")
    assert "API_KEY" in str(secret)
    assert "deleted later" in str(secret)
    assert SECRET not in str(secret)


@pytest.mark.parametrize(
    ("upper", "hidden"),
    [
        ({"app/.wh.conf": b""}, True),
        ({"app/conf/.wh..wh..opq": b""}, True),
        ({".wh.app": b""}, True),
        ({"app/conf/.env": b"A=1"}, True),
        ({"app/conf/other": b""}, False),
        ({"app/.wh.confX": b""}, False),
    ],
)
def test_what_hides_a_file(upper: dict[str, bytes], hidden: bool) -> None:  # noqa: FBT001
    found = searched(saved([{"app/conf/.env": b"A=2"}, upper]))
    assert found[0].hidden is hidden


@pytest.mark.parametrize(
    "content",
    [
        SECRET.encode(),
        base64.b64encode(SECRET.encode()),
        base64.urlsafe_b64encode(b"user:" + SECRET.encode() + b"!"),
        base64.b64encode(b"ab" + SECRET.encode()),
        b"url=correct%20horse%2Fbattery%2Bstaple",
        b"x" * ((1 << 20) - 9) + SECRET.encode() + b"y" * 5000,
    ],
    ids=["plain", "base64", "inside base64", "shifted", "percent", "across pieces"],
)
def test_forms_of_a_secret(content: bytes) -> None:
    found = searched(saved([{"data.bin": content}]), secrets={"API_KEY": SECRET})
    assert [one.kind for one in found] == [Kind.SECRET]


def test_the_password_of_a_url_is_a_secret() -> None:
    url = "postgresql://app:pass%40word1@db/app"
    found = searched(saved([{"x": b"pass@word1"}]), secrets={"DATABASE_URL": url})
    assert "DATABASE_URL (its password)" in found[0].detail


def test_other_files_hold_no_secret() -> None:
    layer = {"a": SECRET[:-1].encode(), "b": base64.b64encode(SECRET[:-4].encode()), "c": b""}
    assert searched(saved([layer]), secrets={"API_KEY": SECRET, "EMPTY": "", "SHORT": "a"}) == []


def test_configuration_and_history_are_searched() -> None:
    content = saved(
        [{"x": b""}],
        Env=["PATH=/bin", f"DATABASE_URL=postgresql://a:{SECRET}@b/c", "API_KEY="],
        Labels={"note": base64.b64encode(SECRET.encode()).decode()},
        Cmd=["serve", f"--key={SECRET}"],
    )
    found = searched(content, secrets={"K": SECRET})
    assert {(one.kind, one.where) for one in found} == {
        (Kind.SECRET, "variable DATABASE_URL"),
        (Kind.SECRET_ENV, "variable DATABASE_URL"),
        (Kind.SECRET, "label note"),
        (Kind.SECRET, "configuration: Cmd"),
    }


def test_layers_of_the_base_are_told_apart() -> None:
    lower, upper = {"usr/bin/npm": b"->../lib/npm"}, {"usr/local/bin/yarn": b""}
    below = "sha256:" + hashlib.sha256(tarball(lower)).hexdigest()
    found = searched(saved([lower, upper]), base="node:22", below=(below, "sha256:other"))
    assert [(one.where, one.from_base) for one in found] == [
        ("/usr/bin/npm", True),
        ("/usr/local/bin/yarn", False),
    ]


def test_many_files_of_one_folder_are_one_finding() -> None:
    layer = {f"app/node_modules/typescript/lib/{n}.js": b"" for n in range(5)}
    [one] = searched(saved([layer]))
    assert (one.kind, one.where, one.count) == (
        Kind.DEV_DEPENDENCY,
        "/app/node_modules/typescript",
        5,
    )


@pytest.mark.parametrize(
    ("path", "start", "kind"),
    [
        ("app/.env", None, Kind.ENV_FILE),
        ("app/.env.production", None, Kind.ENV_FILE),
        ("app/.env.example", None, None),
        ("root/.ssh/id_ed25519", None, Kind.PRIVATE_KEY),
        ("app/tls.key", b"-----BEGIN EC PRIVATE KEY-----", Kind.PRIVATE_KEY),
        ("etc/ssl/certs/a.pem", b"-----BEGIN CERTIFICATE-----", None),
        ("root/.npmrc", b"//r/:_authToken=abc", Kind.CREDENTIALS),
        ("root/.npmrc", b"fund=false", None),
        ("etc/pip.conf", b"index-url = https://me:pw@r/simple", Kind.CREDENTIALS),
        ("root/.netrc", b"", Kind.CREDENTIALS),
        ("app/.git/HEAD", b"", Kind.VERSION_CONTROL),
        ("app/.gitignore", b"", None),
        ("app/node_modules/eslint/package.json", b"", Kind.DEV_DEPENDENCY),
        ("app/node_modules/react/package.json", b"", None),
        ("usr/lib/python3/site-packages/pytest/__init__.py", b"", Kind.DEV_DEPENDENCY),
        ("usr/bin/gcc", None, Kind.BUILD_TOOL),
        ("usr/local/bin/pip3.12", None, Kind.BUILD_TOOL),
        ("usr/bin/gcc-ranlib-base", None, None),
        ("app/bin/make-report", None, None),
        ("app/tests/test_api.py", b"", Kind.TESTS),
        ("app/src/__tests__/a.ts", b"", Kind.TESTS),
        ("app/lib/a.test.tsx", b"", Kind.TESTS),
        ("app/conftest.py", b"", Kind.TESTS),
        ("usr/lib/python3.12/test/test_os.py", b"", None),
        ("app/node_modules/x/tests/a.js", b"", None),
        ("app/latest/a.js", b"", None),
        ("root/.cache/pip/http/a", b"", Kind.BUILD_CACHE),
        ("var/lib/apt/lists/deb_x_Packages", b"", Kind.BUILD_CACHE),
        ("var/lib/apt/lists/lock", b"", None),
        ("app/.next/cache/webpack/0.pack", b"", Kind.BUILD_CACHE),
        ("app/.next/server/app.js", b"", None),
    ],
)
def test_files_that_do_not_belong(path: str, start: bytes | None, kind: Kind | None) -> None:
    found = {one.kind for one in suspects(path, start)}
    assert kind in found if kind else not found


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CA bundle with a public authority and a private one."""
    import datetime

    import certifi
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "House CA")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now)
    private = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    end = "-----END CERTIFICATE-----"
    public = Path(certifi.where()).read_text().split(end)[0] + end + "\n"
    file = tmp_path_factory.mktemp("ca") / "bundle.crt"
    file.write_text(public + private.decode())
    return file


def test_only_the_private_authority_is_looked_for(bundle: Path) -> None:
    needles = authority_needles(bundle)
    assert {needle.form for needle in needles} == {"PEM", "DER"}
    assert all("CN=House CA" in needle.label for needle in needles)


def test_a_baked_in_authority_is_found(bundle: Path) -> None:
    import ssl

    pem = bundle.read_text()
    private = pem[pem.rindex("-----BEGIN") :]
    public = pem[: pem.rindex("-----BEGIN")].encode()
    layer = {
        "etc/ssl/certs/all.crt": pem.encode(),
        "etc/ssl/certs/public.crt": public,
        "opt/java.der": ssl.PEM_cert_to_DER_cert(private),
    }
    found = searched(saved([layer]), authority=bundle)
    assert {(one.kind, one.where) for one in found} == {
        (Kind.AUTHORITY, "/etc/ssl/certs/all.crt"),
        (Kind.AUTHORITY, "/opt/java.der"),
    }


def test_a_needle_at_the_very_end_is_found() -> None:
    needles = secret_needles({"A": "abcdefgh"})
    assert find(io.BytesIO(b"x" * 100 + b"abcdefgh"), needles)
    assert not find(io.BytesIO(b"abcdefg"), needles)


def facts(**more: Any) -> ImageFacts:
    given = dict.fromkeys(ImageFacts.__dataclass_fields__, "") | {"entrypoint": (), "cmd": ()}
    return ImageFacts(**(given | more))


@pytest.mark.parametrize(
    ("user", "root"),
    [
        ("", True),
        ("0", True),
        ("root", True),
        ("0:0", True),
        ("10001:10001", False),
        ("app", False),
    ],
)
def test_who_an_image_runs_as(user: str, root: bool) -> None:  # noqa: FBT001
    assert facts(user=user).runs_as_root is root


def test_exec_form() -> None:
    assert facts(entrypoint=("node", "server.js")).exec_form
    assert facts(cmd=("python",)).exec_form
    assert not facts(entrypoint=("/bin/sh", "-c", "node server.js")).exec_form
    assert not facts().exec_form


@pytest.fixture(scope="module")
def engine() -> Engine:
    return real_engine()


@pytest.fixture(scope="module")
def image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real image from scratch whose second layer replaces a secret of the first."""
    root = tmp_path_factory.mktemp("scratch")
    (root / "env").write_text(f"KEY={SECRET}\n")
    (root / "empty").write_text("")
    (root / "zeros").write_bytes(bytes(1_000_000))
    (root / "Dockerfile").write_text(
        "FROM scratch\nENV API_TOKEN=abc\nCOPY env /app/.env\nCOPY empty /app/.env\n"
        'COPY zeros /zeros\nUSER 10001\nEXPOSE 8000\nENTRYPOINT ["/app"]\n'
    )
    ref = f"deploy-harness-test/layers:{hashlib.sha256(str(root).encode()).hexdigest()[:12]}"
    labels = engine.labels(image="test")
    engine.run("build", "--tag", ref, *labels, str(root), timeout=120)
    yield ref
    engine.run("image", "rm", "--force", ref, timeout=60)


@pytest.mark.engine
def test_a_real_images_facts(engine: Engine, image: str, tmp_path: Path) -> None:
    known = inspect(engine, image)
    assert (known.user, known.entrypoint, known.exposed) == ("10001", ("/app",), ("8000/tcp",))
    assert known.env == {"API_TOKEN": "abc"} or known.env["API_TOKEN"] == "abc"
    assert 1_000_000 <= known.size < 1_100_000
    assert len(known.diff_ids) == 3
    assert sum(layer.size for layer in known.layers) == known.size
    packed = compressed_size(engine, Cache(tmp_path), image)
    assert 500 < packed < 20_000
    assert compressed_size(engine, Cache(tmp_path), known.id) == packed


@pytest.mark.engine
def test_a_real_images_layers(engine: Engine, image: str) -> None:
    found = search(engine, image, secrets={"KEY": SECRET})
    assert {(one.kind, one.where, one.layer, one.hidden) for one in found} == {
        (Kind.SECRET, "/app/.env", 0, True),
        (Kind.ENV_FILE, "/app/.env", 0, True),
        (Kind.ENV_FILE, "/app/.env", 1, False),
        (Kind.SECRET_ENV, "variable API_TOKEN", None, False),
    }


@pytest.mark.engine
def test_an_unknown_image_is_said(engine: Engine) -> None:
    with pytest.raises(archive.ImageUnknownError, match="no-such-image:1"):
        inspect(engine, "deploy-harness-test/no-such-image:1")
    with pytest.raises(archive.ImageUnknownError):
        search(engine, "deploy-harness-test/no-such-image:1")
