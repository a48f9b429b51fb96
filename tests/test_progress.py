import io

import pytest

from harness.errors import DeployError
from harness.progress import Progress, longest


def test_step_says_begin_end_and_result() -> None:
    progress = Progress(stream=(out := io.StringIO()))
    with progress.step("building the image") as step:
        step.result = "120 MB"
    begin, end = out.getvalue().splitlines()
    assert begin == "> building the image"
    assert end.startswith("+ building the image: 120 MB in 0.")


def test_long_step_shows_what_it_does_now() -> None:
    progress = Progress(stream=(out := io.StringIO()), interval=0.01)
    with progress.step("waiting") as step:
        step.note("pod 1 of 2")
        while "now: pod 1 of 2" not in out.getvalue():
            pass


def test_failed_step_names_the_cause() -> None:
    progress = Progress(stream=(out := io.StringIO()))
    with pytest.raises(DeployError), progress.step("building"):
        raise DeployError(needed="a file", seen="missing", looked="here", fix="add it")
    assert out.getvalue().splitlines()[-1].endswith("a file: missing")


def test_choice_is_said_once() -> None:
    progress = Progress(stream=(out := io.StringIO()))
    for _ in range(2):
        progress.choice("engine", "docker 28", "already running")
    assert out.getvalue() == "  engine         docker 28 (already running)\n"


def test_time_is_told_once_for_each_name() -> None:
    rolls = [("rolling out", seconds) for seconds in (4.9, 5.4, 1.0)]
    spent = [("building", 6.0), *rolls, ("loading", 0.5), *((f"step {n}", 0.1) for n in range(9))]
    assert longest(spent, 3) == [
        "rolling out 5.4 s (3 times, 11 s)",
        "building 6.0 s",
        "loading 0.5 s",
    ]
    assert longest([]) == []


def test_phases_are_kept_for_the_record() -> None:
    progress = Progress(stream=io.StringIO())
    with progress.step("building") as step:
        assert progress.running == [step]
        step.result = "120 MB"
    with pytest.raises(ValueError, match="no"), progress.step("breaking"):
        raise ValueError("no")
    assert progress.running == []
    assert [(p.name, p.result, p.ok) for p in progress.phases] == [
        ("building", "120 MB", True),
        ("breaking", "ValueError", False),
    ]
    assert progress.phases[0].at <= progress.phases[1].at
