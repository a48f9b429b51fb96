"""What builds are given beside their sources: versions of a day, fonts in Google's place."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path, PurePosixPath

import pytest
from images_support import scripted
from test_images_build import builder, builds

from harness.errors import Fault
from harness.images import constraints, google_fonts
from harness.images.as_of import as_of
from harness.images.build import Builder
from harness.images.constraints import Resolved, requirements
from harness.images.dockerfile import Dockerfile
from harness.images.failure import BuildFailedError
from harness.images.given import Given
from harness.images.spec import ImageSpec
from harness.option_reader import OptionReader, SettingInvalidError
from harness.progress import Progress

DAY = "2026-02-10"
BEGIN = f"{DAY}T00:00:00Z"


@pytest.mark.parametrize(
    ("steps", "files", "held", "variables"),
    [
        ("RUN npm install", ["package.json"], ["npm"], {"npm_config_before": BEGIN}),
        ("RUN npm ci", ["package.json", "package-lock.json"], [], {}),
        ("RUN npm i", ["a/package.json", "package-lock.json"], [], {}),
        ("RUN npm i", ["a/package.json", "b/package-lock.json"], ["npm"], {}),
        ("RUN uv pip install flask", [], ["uv"], {"UV_EXCLUDE_NEWER": BEGIN}),
        ("RUN uv sync --locked", ["uv.lock"], [], {}),
        ("RUN pip3 install flask", [], ["pip"], {"PIP_UPLOADED_PRIOR_TO": BEGIN}),
        ("RUN <<END\npython -m pip install -r x\nEND", [], ["pip"], {}),
        ("# RUN pip install flask", [], [], {}),
        ("RUN yarn", ["package.json"], [], {}),
        ("RUN yarn install", ["package.json", "yarn.lock"], [], {}),
        ("RUN poetry install", [], [], {}),
    ],
)
def test_tools_that_have_something_to_resolve_are_told_the_day(
    tmp_path: Path, steps: str, files: list[str], held: list[str], variables: dict[str, str]
) -> None:
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("{}")
    found = as_of(DAY, f"FROM a\n{steps}\n", [*map(PurePosixPath, files)], tmp_path)
    assert found.held == held
    assert found.variables.items() >= variables.items()
    assert bool(found.variables) == bool(held)


def test_ages_are_whole_days(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"packageManager": "yarn@4.12.0"}')
    day = (datetime.now(UTC).date() - timedelta(days=2)).isoformat()
    text = "FROM a\nRUN yarn install\nRUN pnpm install\n"
    found = as_of(day, text, [PurePosixPath("package.json")], tmp_path)
    assert found.held == ["pnpm", "yarn"]
    assert set(found.variables.values()) <= {str(days * 1440) for days in (2, 3)}
    assert "YARN_NPM_MINIMAL_AGE_GATE" in found.variables


def test_what_is_pinned_or_knows_no_day_is_said(tmp_path: Path) -> None:
    files = [PurePosixPath(name) for name in ("package.json", "package-lock.json")]
    text = "FROM a\nRUN npm ci && npm install -g serve\nRUN poetry install\n"
    assert as_of(DAY, text, files, tmp_path).told == (
        "nothing to resolve; npm has package-lock.json, which pins all; what npm installs by name "
        "beside it is not held to it; poetry, which knows no date, is not held to it"
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("yesterday", "a day as YYYY-MM-DD"),
        ("2026-02-30", "a day as YYYY-MM-DD"),
        ("20260210", "a day as YYYY-MM-DD"),
        ((date.today() + timedelta(days=2)).isoformat(), "not in the future"),
    ],
)
def test_a_day_that_cannot_be_is_refused(value: str, words: str) -> None:
    with pytest.raises(SettingInvalidError, match=words) as caught:
        OptionReader({}, {"DEPLOY_AS_OF": value}).day("as-of")
    assert caught.value.looked == "the variable DEPLOY_AS_OF"
    assert caught.value.fault is Fault.INPUT


def test_a_day_is_read() -> None:
    assert OptionReader({"as-of": DAY}, {}).day("as-of") == DAY
    assert OptionReader({}, {}).day("as-of") == ""


def test_requirements_are_names_of_the_files_that_steps_name(tmp_path: Path) -> None:
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "requirements.txt").write_text(
        "# all\nflask>=3 # web\n-r more.txt\n-e .\n--index-url https://x.example\n./local\n"
        "git+https://x.example/a\nb @ https://x.example/b.whl\n"
    )
    (tmp_path / "api" / "more.txt").write_text("requests[socks] ; python_version > '3'\n-r /etc/x")
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["httpx"]\n')
    file = tmp_path / "Dockerfile"
    file.write_text(
        "FROM a\nRUN pip install --no-cache-dir -r requirements.txt && echo no\n"
        "RUN pip install . 'gunicorn==20.1' --quiet\n"
    )
    names = ("api/requirements.txt", "api/more.txt", "pyproject.toml")
    found = requirements(Dockerfile.read(file), tmp_path, [*map(PurePosixPath, names)])
    assert found == [
        "flask>=3",
        'requests[socks]; python_version > "3"',
        "httpx",
        "gunicorn==20.1",
    ]


def test_requirements_with_hashes_pin_all(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("flask==3 \\\n  --hash=sha256:00\n")
    file = tmp_path / "Dockerfile"
    file.write_text("FROM a\nRUN pip install -rr.txt gunicorn\n")
    assert requirements(Dockerfile.read(file), tmp_path, [PurePosixPath("r.txt")]) == []


def test_requirements_outside_of_the_context_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("flask\n")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "r.txt").symlink_to(tmp_path / "secret.txt")
    file = tmp_path / "Dockerfile"
    file.write_text("FROM a\nRUN pip install -r r.txt\n")
    assert requirements(Dockerfile.read(file), tmp_path / "app", [PurePosixPath("r.txt")]) == []


def test_steps_see_what_is_given_and_no_more(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text("FROM a \\\n  AS b\nRUN x\nFROM b\nCOPY c d\nrun y\n")
    lines = file.read_text().splitlines()
    path = "/run/secrets/f-1.txt"
    given = Given({"A": "1", "B": path}, {path: tmp_path}) | Given({"C": "3"})
    given.without("A").add_to(lines, Dockerfile.read(file))
    mount = f"--mount=type=secret,id=f-1.txt,target={path},mode=0444,required=false"
    assert lines == [
        *("FROM a \\", "  AS b", f"ARG B={path} C=3", f"RUN {mount} x"),
        *("FROM b", f"ARG B={path} C=3", "COPY c d", f"run {mount} y"),
    ]


@pytest.fixture
def spec(tmp_path: Path) -> ImageSpec:
    context = tmp_path / "app"
    context.mkdir()
    (context / "requirements.txt").write_text("flask\n")
    text = "FROM python:3.12-slim\nCOPY . .\nRUN pip install -r requirements.txt\n"
    (context / "Dockerfile").write_text(text)
    return ImageSpec("app", context, "shop/app")


def dated(tmp_path: Path, says: str = "", code: int = 0) -> tuple[Builder, io.StringIO]:
    """Return a builder as of a day, whose bases all have Python 3.12, and what it says."""
    engine = scripted(tmp_path / "engine", says, code)
    client = Path(engine.client)
    python = 'if argv[0] == "run":\n    print("3.12"); sys.exit(0)\nif argv[0] == "build":\n'
    keep = '    import shutil\n    for n, w in enumerate(argv):\n        if w == "--secret" and '
    keep += '"src=" in argv[n + 1]:\n            shutil.copy(argv[n + 1].split("src=")[1], here)\n'
    keep += '    shutil.copy(argv[argv.index("--file") + 1], here / "Dockerfile")\n'
    client.write_text(client.read_text().replace('if argv[0] == "build":\n', python + keep, 1))
    said = io.StringIO()
    return replace(builder(engine, tmp_path), as_of=DAY, progress=Progress(stream=said)), said


def resolving(monkeypatch: pytest.MonkeyPatch, resolved: Resolved) -> list[object]:
    asked: list[object] = []

    def resolve(*arguments: object) -> Resolved:
        asked.extend(arguments)
        return resolved

    monkeypatch.setattr(constraints, "resolve", resolve)
    return asked


def test_a_build_is_given_the_day_and_constraints(
    spec: ImageSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = resolving(monkeypatch, Resolved("flask==3.1.2\n"))
    there, said = dated(tmp_path)
    built = there.build(spec)
    assert asked[:3] == [["flask"], DAY, "3.12"]
    text = (tmp_path / "engine" / "Dockerfile").read_text().splitlines()
    [given] = (tmp_path / "engine").glob("constraints-*.txt")
    assert given.read_text() == "flask==3.1.2\n"
    variables = f"PIP_UPLOADED_PRIOR_TO={BEGIN} PIP_CONSTRAINT=/run/secrets/{given.name}"
    assert text[1] == f"ARG {variables}"
    assert f"as of          {DAY} (image app: what pip resolves)" in said.getvalue()
    assert "pip, image app: versions of 1 packages" in said.getvalue()
    assert there.find(spec, built.bases) == (built.ref, True)
    assert replace(there, as_of="2026-02-11").find(spec, built.bases)[0] != built.ref
    assert replace(there, as_of="").find(spec, built.bases)[0] != built.ref


@pytest.mark.parametrize(
    ("resolved", "variables", "words"),
    [
        (Resolved("flask==9\n", newer=True), {"PIP_CONSTRAINT"}, "newer stays"),
        (Resolved("flask==3\n", pinned=True), {"PIP_UPLOADED_PRIOR_TO"}, "all is pinned"),
        (Resolved("", "uv said: no"), {"PIP_UPLOADED_PRIOR_TO"}, "none: uv said: no; a pip"),
    ],
    ids=["newer", "pinned", "none"],
)
def test_what_came_of_resolving_is_said(
    spec: ImageSpec,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    resolved: Resolved,
    variables: set[str],
    words: str,
) -> None:
    resolving(monkeypatch, resolved)
    there, said = dated(tmp_path)
    there.build(spec)
    argument = (tmp_path / "engine" / "Dockerfile").read_text().splitlines()[1]
    assert {word.partition("=")[0] for word in argument.split()[1:]} == variables
    assert words in said.getvalue()


def test_an_image_with_nothing_to_resolve_is_the_same_as_of_any_day(
    spec: ImageSpec, tmp_path: Path
) -> None:
    spec.file.write_text("FROM python:3.12-slim\nRUN true\n")
    there, said = dated(tmp_path)
    assert there.build(spec).built
    assert not replace(there, as_of="").build(spec).built
    assert "image app: nothing to resolve" in said.getvalue()


@pytest.mark.parametrize(
    ("says", "noted"),
    [
        ("notarget No matching version found for a@2 with a date before 2/10/2026", True),
        ("x", False),
    ],
)
def test_a_failure_by_the_day_says_so(
    spec: ImageSpec, tmp_path: Path, says: str, noted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving(monkeypatch, Resolved(""))
    there, _ = dated(tmp_path, f"#5 [2/2] RUN npm i\n#5 0.1 {says}\n#5 ERROR: exit code: 1\n", 1)
    with pytest.raises(BuildFailedError) as caught:
        there.build(spec)
    assert str(caught.value).count("--deploy-as-of") == noted


LAYOUT = """\
import type { Metadata } from "next"
import { Inter, Roboto_Mono as Mono } from 'next/font/google'
const inter = Inter({ subsets: ['latin'] as const, variable: '--a(b' })
export const mono = Mono({
  weight: ["400", "700"], // (two)
  subsets: ["latin"],
});
const Interval = setInterval(() => {}, 1)
"""


def test_fonts_are_those_that_sources_call(tmp_path: Path) -> None:
    layout, page = tmp_path / "layout.tsx", tmp_path / "page.tsx"
    layout.write_text(LAYOUT)
    page.write_text("import localFont from 'next/font/local'\n")
    assert google_fonts.calls([page]) is None
    assert google_fonts.calls([page, layout]) == [
        ("Inter", "{ subsets: ['latin'], variable: '--a(b' }"),
        ("Roboto_Mono", '{\n  weight: ["400", "700"], // (two)\n  subsets: ["latin"],\n}'),
    ]
    nested = tmp_path / "node_modules" / "x.js"
    nested.parent.mkdir()
    shutil.copy(layout, nested)
    assert google_fonts.calls([nested]) is None


def test_the_module_answers_any_address_of_google(tmp_path: Path) -> None:
    node = shutil.which("node")
    if not node:
        pytest.skip("needs node")
    file = tmp_path / "fonts.cjs"
    file.write_text(google_fonts.module([("Inter", "{ subsets: ['latin'] }")]))
    url = "https://fonts.googleapis.com/css2?family=Roboto+Mono:ital,wght@0,400;1,700&display=swap"
    script = "const m = require(process.argv[1]); "
    script += "console.log(JSON.stringify([m[process.argv[2]], m.other ?? null]))"
    done = subprocess.run(
        [node, "-e", script, str(file), url], capture_output=True, check=True, timeout=30
    )
    css, other = json.loads(done.stdout)
    assert "font-family: 'Roboto Mono';" in css
    assert "url(" not in css
    assert other is None


@pytest.mark.parametrize("why", ["", "no such host"])
def test_fonts_are_stood_in_for_where_google_is_not_reached(
    spec: ImageSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    monkeypatch.setattr(google_fonts, "unreached", lambda _: why)
    spec.file.write_text("FROM python:3.12-slim\nCOPY . .\nRUN npm run build\n")
    (spec.context / "layout.tsx").write_text(LAYOUT)
    there, said = dated(tmp_path)
    there.build(spec)
    text = (tmp_path / "engine" / "Dockerfile").read_text()
    given = [*(tmp_path / "engine").glob("google-fonts-*.cjs")]
    assert len(given) == bool(why)
    assert (google_fonts.VARIABLE in text) == bool(why)
    if why:
        words = "stood in for (image app: Inter, Roboto Mono; fonts.googleapis.com is not reached: "
        assert words + why in said.getvalue()
    assert len(builds(there.engine)) == 1  # type: ignore[arg-type]
    monkeypatch.setattr(google_fonts, "unreached", lambda _: "" if why else "now")
    other = replace(there).find(spec, {"python:3.12-slim": "local/python:3.13"})
    assert not other[1], "with other fonts it is another image"


def test_a_google_that_is_not_there_is_known_by_its_name() -> None:
    why = google_fonts.unreached({"https_proxy": "http://127.0.0.1:1"})
    assert why
