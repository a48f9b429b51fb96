import sys
import threading
import time

import pytest

from harness.command import run
from harness.jobs import Jobs, side_by_side
from harness.scope import CommandCancelledError


def test_work_is_done_once_and_side_by_side() -> None:
    jobs, both, calls = Jobs(), threading.Barrier(2, timeout=10), list[str]()

    def work(name: str) -> str:
        calls.append(name)
        both.wait()  # passes only when the two run at the same time
        return name

    first, second = (jobs.start(name, lambda name=name: work(name)) for name in "ab")
    assert (first.result(), second.result()) == ("a", "b")
    assert jobs.start("a", lambda: "again").result() == "a"
    assert sorted(calls) == ["a", "b"]
    jobs.close(interrupted=False)


def test_failure_is_the_same_for_all_who_ask() -> None:
    jobs = Jobs()

    def fail() -> None:
        raise ValueError("once")

    with pytest.raises(ValueError, match="once") as first:
        jobs.start("x", fail).result()
    with pytest.raises(ValueError, match="once") as second:
        jobs.start("x", fail).result()
    assert first.value is second.value
    jobs.close(interrupted=False)


def test_time_in_which_nothing_is_under_way_does_not_count() -> None:
    jobs, begun = Jobs(), time.monotonic()
    assert jobs.busy_seconds == 0
    side = [jobs.start(name, lambda: time.sleep(0.3)) for name in "ab"]
    jobs.all(side)
    first = jobs.busy_seconds
    assert 0.3 <= first <= time.monotonic() - begun, "side by side counts once"
    time.sleep(0.3)
    assert jobs.busy_seconds == first, "nobody worked"
    inside = jobs.start("c", lambda: (time.sleep(0.2), jobs.busy_seconds)[1]).result()
    assert inside >= first + 0.2, "what is under way counts"
    jobs.close(interrupted=False)


def test_interruption_ends_the_programs() -> None:
    jobs, begun = Jobs(), threading.Event()
    script = "import time; print('up', flush=True); time.sleep(60)"
    future = jobs.start(
        "long",
        lambda: run([sys.executable, "-c", script], timeout=60, on_line=lambda _: begun.set()),
    )
    assert begun.wait(20)
    started = time.monotonic()
    jobs.close(interrupted=True)
    assert time.monotonic() - started < 30
    assert isinstance(future.exception(), CommandCancelledError)


def test_first_failure_is_told_while_others_go_on() -> None:
    jobs, end = Jobs(), threading.Event()

    def fail() -> None:
        raise ValueError("early")

    long, failing = jobs.start("long", end.wait), jobs.start("failing", fail)
    with pytest.raises(ValueError, match="early"):
        jobs.all([long, failing])
    assert not long.done()
    end.set()
    jobs.close(interrupted=False)


def test_the_same_with_several_at_once() -> None:
    both = threading.Barrier(2, timeout=10)

    def work(number: int) -> int:
        both.wait()  # passes only when the two run at the same time
        return number * number

    assert side_by_side(work, [3, 2]) == [9, 4]
    assert side_by_side(lambda one: one, ["alone"]) == ["alone"]
    assert side_by_side(work, []) == []


def test_one_failure_of_several_is_told_when_all_have_ended() -> None:
    ended = threading.Event()

    def work(name: str) -> None:
        if name == "fails":
            raise ValueError("it fails")
        time.sleep(0.2)
        ended.set()

    with pytest.raises(ValueError, match="it fails"):
        side_by_side(work, ["fails", "works"])
    assert ended.is_set()


def test_programs_of_several_end_with_the_run() -> None:
    jobs, begun = Jobs(), threading.Event()
    script = "import time; print('up', flush=True); time.sleep(60)"

    def work(_: int) -> None:
        run([sys.executable, "-c", script], timeout=60, on_line=lambda _: begun.set())

    future = jobs.start("several", lambda: side_by_side(work, [1, 2]))
    assert begun.wait(20)
    started = time.monotonic()
    jobs.close(interrupted=True)
    assert time.monotonic() - started < 30
    assert isinstance(future.exception(), CommandCancelledError)
