"""Ends of containers in a watch's history: none missed, none told twice."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kube_support import NOW, ago, pod, waiting

from harness.kube.deaths import Death, deaths
from harness.kube.resources import POD
from harness.kube.state import Change, State

Object = dict[str, Any]


def end(code: int = 3, *, seconds: float = 1, which: str = "a") -> Object:
    return {
        "exitCode": code, "reason": "Error", "finishedAt": ago(seconds), "containerID": which
    }  # fmt: skip


def told(kind: str, obj: Object) -> Change:
    return Change(datetime.now(UTC), kind, "Pod", obj["metadata"]["name"], obj)


def brief(found: list[Death]) -> list[tuple[str, int | None]]:
    return [(death.container, death.exit_code) for death in found]


def test_an_end_is_told_once() -> None:
    changes = [
        told("ADDED", pod()),
        told("MODIFIED", pod(state={"terminated": end()})),
        told("MODIFIED", pod(state=waiting("CrashLoopBackOff"), last=end())),
        told("MODIFIED", pod(last=end(), restarts=1)),
        told("MODIFIED", pod(last=end(), restarts=1, ready=True)),
    ]
    [death] = deaths(changes)
    assert (death.pod, death.exit_code, death.at) == ("web-1", 3, ago(1))
    assert death.seen == changes[1].at
    assert death.describe() == "web-1/main ended: Error, exit code 3"


def test_a_crash_that_is_first_looked_at_in_its_pause_is_told_once() -> None:
    changes = [
        told("MODIFIED", pod(state=waiting("CrashLoopBackOff"), last=end())),
        told("MODIFIED", pod(last=end(), restarts=1)),
    ]
    assert brief(deaths(changes)) == [("main", 3)]


def test_a_flap_between_two_looks_is_seen_by_its_last_state() -> None:
    changes = [told("ADDED", pod()), told("MODIFIED", pod(last=end(), restarts=1))]
    assert brief(deaths(changes)) == [("main", 3)]


def test_two_flaps_between_two_looks_are_seen_by_the_count() -> None:
    changes = [told("ADDED", pod()), told("MODIFIED", pod(last=end(), restarts=2))]
    assert brief(deaths(changes)) == [("main", None), ("main", 3)]
    assert "before it could be seen" in deaths(changes)[0].describe()


def test_what_ended_before_the_watch_is_the_past() -> None:
    changes = [told("MODIFIED", pod(last=end(seconds=60), restarts=4, ready=True))]
    assert deaths(changes, since=NOW) == []
    changes.append(told("MODIFIED", pod(last=end(seconds=0, which="b"), restarts=5)))
    assert brief(deaths(changes, since=NOW)) == [("main", 3)]


def test_what_has_done_its_work_is_not_dead() -> None:
    done = {"state": {"terminated": end(0)}}
    changes = [told("ADDED", pod()), told("MODIFIED", pod(init=done))]
    assert deaths(changes) == []
    failed = {"state": {"terminated": end(1)}, "restartCount": 0}
    changes.append(told("MODIFIED", pod("other", init=failed)))
    assert brief(deaths(changes)) == [("wait", 1)]


def test_a_pod_that_is_taken_away_does_not_count() -> None:
    state = {"terminated": end(143)}
    assert deaths([told("MODIFIED", pod(state=state, deleted=True))]) == []
    assert deaths([told("DELETED", pod(state=state))]) == []


def test_two_pods_of_one_name_between_two_lists_are_two() -> None:
    state = State("shop")
    old, new = pod(), pod()
    new["metadata"] |= {"uid": "uid-new", "resourceVersion": "2"}
    state.replace(POD, [old])
    state.replace(POD, [new])
    assert [(c.type, c.obj["metadata"]["uid"]) for c in state.history] == [
        ("DELETED", "uid-web-1"),
        ("ADDED", "uid-new"),
    ]
