"""Folders that somebody wrote to do harm: a clear verdict, and nothing happens to the host."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest
from chart_support import helm

from harness.command import environment
from harness.inference.folder import FolderTooLargeError, copied, shown
from harness.inference.limits import TimeLimitError, time_limit
from harness.inference.schemas import elsewhere
from harness.project import Project, ProjectFileInvalidError
from harness.verdict import Verdict, judge

ROOT = Path(__file__).parents[1]
SECRET = "of-the-host-alone-4711"


@pytest.fixture
def units(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "examples" / "units", tmp_path / "units")
    return tmp_path / "units"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Something of the host that a project must not see."""
    file = tmp_path / "host" / "secret.txt"
    file.parent.mkdir()
    file.write_text(f'SECRET_KEY = "{SECRET}"\nname: {SECRET}\n')
    return file


def judged(folder: Path) -> Verdict:
    helm()
    return judge(folder, environment())


def status(verdict: Verdict, check: str) -> str:
    return next(item.status for item in verdict.checks if item.id == check)


def test_links_out_of_the_folder_are_not_followed(units: Path, outside: Path) -> None:
    chart = units / "deploy" / "helm" / "units"
    for place in (
        units / "src" / "units" / "host.py",
        chart / "templates" / "host.yaml",
        chart / "host.txt",
    ):
        place.symlink_to(outside)
    (units / "src" / "folder").symlink_to(outside.parent, target_is_directory=True)
    (chart / "charts").symlink_to(outside.parent, target_is_directory=True)
    (chart / "templates" / "files.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"
        'data: {a: {{ .Files.Get "host.txt" | quote }} }\n'
    )
    verdict = judged(units)
    assert SECRET not in json.dumps(verdict.document())
    assert sum("leads out of the folder" in note for note in verdict.unread) == 5


def test_a_dockerfile_that_is_a_link_out_is_missing(units: Path, outside: Path) -> None:
    (units / "Dockerfile").unlink()
    (units / "Dockerfile").symlink_to(outside)
    verdict = judged(units)
    assert status(verdict, "dockerfile copies") == "not met"
    assert SECRET not in json.dumps(verdict.document())


def test_links_within_the_folder_are_kept_and_loops_end(units: Path) -> None:
    (units / "src" / "again").symlink_to("..", target_is_directory=True)
    (units / "src" / "self").symlink_to("self")
    (units / "alias.py").symlink_to("src/units/app.py")
    with copied(units) as folder:
        assert "UNITS_DIGITS" in folder.text("alias.py")
        assert not (folder.root / "src" / "again").exists()


@pytest.mark.parametrize("where", ["chart", "context", "dockerfile", "link", "loop"])
def test_a_description_cannot_lead_out_of_its_folder(
    project_dir: Path, tmp_path: Path, where: str
) -> None:
    file = project_dir / "deploy.toml"
    text = file.read_text()
    if where == "chart":
        text = text.replace('path = "chart"', 'path = "../../etc"')
    elif where == "context":
        text = text.replace('context = "api"', 'context = "/etc"')
    elif where == "dockerfile":
        text = text.replace('context = "api"', 'context = "api"\ndockerfile = "../../Dockerfile"')
    elif where == "link":
        (project_dir / "api").symlink_to(tmp_path, target_is_directory=True)
    else:
        (project_dir / "api").symlink_to("api")
    file.write_text(text)
    with pytest.raises(ProjectFileInvalidError, match="leads out of the project's folder"):
        Project.load(project_dir)


def test_pipes_huge_files_and_strange_names_are_left_out(units: Path) -> None:
    os.mkfifo(units / "src" / "pipe.py")
    with (units / "src" / "huge.py").open("wb") as file:
        file.truncate(1 << 36)  # takes no room
    (units / "src" / "a\nb\x1b[31m.py").write_text("x = 1\n")
    (units / "src" / "<script>.py").write_text("import os\nK = os.environ.get('A_TOKEN', 'abc')\n")
    (Path(os.fsdecode(os.fsencode(units) + b"/\xff.py"))).write_text("x = 1\n")
    verdict = judged(units)
    notes = "\n".join(verdict.unread)
    assert "src/pipe.py: not read: neither a file nor a folder" in notes
    assert "src/huge.py: taken as empty: 68,719,476,736 bytes are too many" in notes
    assert r"a\nb\x1b[31m.py: not read: control characters in its name" in notes
    assert notes.isascii()
    assert status(verdict, "secrets honoured") == "not met"
    assert "<script>" in json.dumps(verdict.document())


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("src/units/deep.py", "a = " + "[" * 50_000 + "]" * 50_000),
        ("package.json", "[" * 200_000),
        ("docker-compose.yml", "services: " + "[" * 5_000),
        ("src/long.js", "x = " + '"a" || ' * 100_000),
        ("Dockerfile.dev", "\0\xff FROM FROM\\\n" * 2_000),
        (".dockerignore", "[" * 5_000),
    ],
    ids=["deep python", "deep json", "deep yaml", "long line", "no dockerfile", "pattern"],
)
def test_files_that_upset_a_parser_upset_nothing_else(units: Path, file: str, text: str) -> None:
    (units / file).write_text(text)
    verdict = judged(units)
    assert status(verdict, "resources") == "met"
    assert status(verdict, "listening") == "met"


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize("file", ["values.yaml", "Chart.yaml"])
def test_aliases_do_not_explode(units: Path, file: str) -> None:
    target = units / "deploy" / "helm" / "units" / file
    target.write_text(BOMB + target.read_text())
    verdict = judged(units)
    assert status(verdict, "dockerfile copies") == "met"


def _checked(folder: Path) -> tuple[int, dict[str, Any]]:
    """Judge in a process of its own, whose memory is limited."""
    helm()
    ran = subprocess.run(
        [sys.executable, "-m", "harness", "check", str(folder), "--json", "-"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return ran.returncode, json.loads(ran.stdout)


def test_a_template_that_eats_memory_ends_and_hides_nothing_else(units: Path) -> None:
    template = units / "deploy" / "helm" / "units" / "templates" / "eats.yaml"
    template.write_text('{{ repeat 3000000000 "xxxxxxxx" }}\n')
    code, document = _checked(units)
    found = {check["id"]: check for check in document["checks"]}
    assert code == 1
    assert "GiB of memory" in found["renders"]["why"]
    assert found["dockerfile user"]["status"] == "met"


REFERENCES = ["http://127.0.0.1:1/s.json", "file:///etc/hosts", "other.json", "//h/s.json"]


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_a_schema_that_refers_elsewhere_is_refused(
    units: Path, reference: str, *, packed: bool
) -> None:
    chart = units / "deploy" / "helm" / "units"
    schema = json.dumps({"type": "object", "properties": {"x": {"$ref": reference}}}).encode()
    if packed:
        (chart / "charts").mkdir()
        with tarfile.open(chart / "charts" / "sub-1.0.0.tgz", "w:gz") as archive:
            member = tarfile.TarInfo("sub/values.schema.json")
            member.size = len(schema)
            archive.addfile(member, io.BytesIO(schema))
    else:
        (chart / "values.schema.json").write_bytes(schema)
    assert elsewhere(chart) == reference
    (item,) = (item for item in judged(units).checks if item.id == "renders")
    assert item.status == "not met"
    assert f"refers to {reference}, another document" in item.findings[0].seen


def test_a_schema_of_its_own_parts_is_taken(units: Path) -> None:
    assert not elsewhere(units / "deploy" / "helm" / "units")
    assert not elsewhere(ROOT / "helm" / "todo-app")


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.inference.folder.ENTRIES", 20)
    for number in range(21):
        (tmp_path / str(number)).touch()
    with pytest.raises(FolderTooLargeError), copied(tmp_path):
        pass


def test_what_takes_too_long_is_ended() -> None:
    with pytest.raises(TimeLimitError, match="counting"), time_limit("counting", 0.05):
        threading.Event().wait(60)


def test_limits_within_one_another_leave_the_outer_one_in_force() -> None:
    def work() -> None:
        with time_limit("inner", 60):
            pass
        threading.Event().wait(60)

    with pytest.raises(TimeLimitError, match="outer"), time_limit("outer", 0.2):
        work()


@pytest.mark.parametrize(
    ("text", "safe"),
    [("a\x1b[2Jb", r"a\x1b[2Jb"), ("a\nb", r"a\nb"), ("ä…", "ä…"), ("\u202etxt", r"\u202etxt")],
    ids=["escape", "line", "letters", "direction"],
)
def test_shown_texts_control_no_terminal(text: str, safe: str) -> None:
    assert shown(text) == safe
