"""Dependencies as of a day, and Google's fonts stood in for, by a real engine and registries."""

from __future__ import annotations

import io
import json
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from images_support import FixedBases, official, real_engine

from harness.cache import Cache
from harness.images import google_fonts
from harness.images.build import Builder
from harness.images.constraints import resolve
from harness.images.spec import BuiltImage, ImageSpec
from harness.progress import Progress
from harness.supply.engine import Engine

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]
DAY = "2026-02-10"
Build = Callable[..., BuiltImage]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return real_engine()


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def build(engine: Engine, tmp_path: Path, said: io.StringIO) -> Iterator[Build]:
    made: list[str] = []

    def run(base: str, files: dict[str, str], **more: Any) -> BuiltImage:
        folder = tmp_path / "app"
        for name, text in files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            # Another word each time, so that nothing is taken from an earlier build.
            file.write_text(text.replace("RUN ", f"RUN : {uuid.uuid4().hex} && ", 1))
        bases: Any = FixedBases({base: official(engine, base)})
        cache, progress = Cache(tmp_path / "cache"), Progress(stream=said)
        builder = Builder(engine, bases, cache, progress, os.environ, **more)
        built = builder.build(ImageSpec("app", folder, "deploy-harness-test/additions"))
        made.append(built.ref)
        return built

    yield run
    for ref in made:
        engine.run("image", "rm", ref, timeout=60, check=False)


def inside(engine: Engine, image: BuiltImage, *command: str) -> str:
    words = ("run", "--rm", "--network", "none", "--entrypoint", command[0], image.ref)
    return engine.run(*words, *command[1:], timeout=60).stdout


@pytest.mark.parametrize("pip", ["25.0.1", "26.0"])
def test_pip_resolves_as_of_a_day(
    engine: Engine, build: Build, said: io.StringIO, pip: str
) -> None:
    files = {
        "requirements.txt": "flask\nclick==8.1.7\n",
        "Dockerfile": "FROM python:3.11-slim\nENV PIP_ROOT_USER_ACTION=ignore\n"
        f"RUN pip install pip=={pip}\nCOPY requirements.txt .\n"
        "RUN pip install --no-cache-dir -r requirements.txt\n",
    }
    image = build("python:3.11-slim", files, as_of=DAY)
    listed = json.loads(inside(engine, image, "pip", "list", "--format=json"))
    found = {one["name"].lower(): one["version"] for one in listed}
    # 3.1.3 was published nine days later.
    assert (found["flask"], found["click"], found["pip"]) == ("3.1.2", "8.1.7", pip)
    assert f"{DAY} (image app: what pip resolves)" in said.getvalue()
    assert "constraints    of 2026-02-10 (pip, image app: versions of" in said.getvalue()
    left = inside(engine, image, "sh", "-c", "env; ls -A /run/secrets 2>/dev/null || true")
    assert "constraints" not in left
    assert "PIP_UPLOADED" not in left


def test_what_is_pinned_to_something_newer_stays() -> None:
    found = resolve(["flask==3.1.3", "requests"], DAY, "3.11", os.environ)
    assert found.newer
    assert "flask==3.1.3\n" in found.text
    assert "requests==2.32.5\n" in found.text


def test_what_has_no_wheel_is_not_held_and_nothing_of_it_is_run() -> None:
    found = resolve(["docopt", "idna"], DAY, "3.11", os.environ)
    assert found.text == "idna==3.11\n"
    assert "docopt" in found.told


def test_npm_resolves_as_of_a_day(engine: Engine, build: Build) -> None:
    files = {
        "package.json": '{"name": "a", "private": true, "dependencies": {"express": "^4.0.0"}}',
        "Dockerfile": "FROM node:20-slim\nWORKDIR /app\nCOPY package.json .\nRUN npm install\n",
    }
    image = build("node:20-slim", files, as_of=DAY)
    version = "console.log(require('/app/node_modules/express/package.json').version)"
    assert inside(engine, image, "node", "-e", version).strip() == "4.22.1"


NEXT = {
    "app/layout.tsx": """\
import { Inter, Roboto_Mono as Mono } from 'next/font/google'

const inter = Inter({ subsets: ['latin'], variable: '--font-inter' })
const mono = Mono({
  weight: ['400', '700'], // (both)
  style: ['normal', 'italic'],
  subsets: ['latin'],
})

export default function Layout({ children }: { children: React.ReactNode }) {
  return (
    <html lang="en" className={inter.variable}>
      <body className={mono.className}>{children}</body>
    </html>
  )
}
""",
    "app/page.jsx": "export default function Page() { return <h1>Fonts</h1> }\n",
    "Dockerfile": "FROM node:22-slim\nENV NEXT_TELEMETRY_DISABLED=1\nWORKDIR /app\n"
    "COPY package.json .\nRUN npm install\nCOPY . .\nRUN npm run build\n",
}


@pytest.mark.parametrize(
    ("version", "react", "command"),
    [("14.2.33", "18.3.1", "next build"), ("16.0.10", "19.2.1", "next build")],
    ids=["webpack", "turbopack"],
)
def test_fonts_of_google_are_stood_in_for(
    engine: Engine,
    build: Build,
    said: io.StringIO,
    version: str,
    react: str,
    command: str,
) -> None:
    if not google_fonts.unreached(os.environ):
        pytest.skip("Google's fonts are reached from here")
    needed = {"next": version, "react": react, "react-dom": react}
    needed |= {"typescript": "5.9.3", "@types/react": "19.2.2", "@types/node": "22.19.0"}
    told = {"name": "a", "private": True, "scripts": {"build": command}, "dependencies": needed}
    image = build("node:22-slim", {"package.json": json.dumps(told), **NEXT})
    assert "fonts          stood in for (image app: Inter, Roboto Mono; " in said.getvalue()
    css = inside(engine, image, "sh", "-c", "find /app/.next -name '*.css' -exec cat {} +")
    assert css.count("local(") >= 4, f"two fonts and what falls back for them:\n{css}"
    fonts = inside(engine, image, "sh", "-c", "find /app/.next/static -name '*.woff2'; env")
    assert ".woff2" not in fonts
    assert "NEXT_FONT" not in fonts
