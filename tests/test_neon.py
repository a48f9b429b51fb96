"""A branch at Neon for one run: made, waited for, deleted; and what can go wrong."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from neon_support import KEY, ROLE, Neon, serving, url_on_paper

from harness.databases import errors as database_errors
from harness.databases.neon import errors
from harness.databases.neon.api import NeonApi
from harness.databases.neon.database import PREFIX, NeonDatabase
from harness.databases.reach import Address
from harness.progress import Progress

PROJECT = "cool-sun-12345678"
LOCKED = {"request_id": "x", "code": "", "message": "project already has running operations"}


@pytest.fixture
def neon() -> Neon:
    return Neon()


@pytest.fixture
def url(neon: Neon) -> Iterator[str]:
    with serving(neon) as url:
        yield url


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def api(url: str, slept: list[float]) -> NeonApi:
    return NeonApi(KEY, url, sleep=slept.append)


@pytest.fixture
def database(api: NeonApi) -> NeonDatabase:
    return NeonDatabase(api, Progress(stream=io.StringIO()), "deploy-shop", name="shop")


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[Address]:
    """Where the harness has connected to; everyone is let in there."""
    addresses: list[Address] = []

    class Connection:
        def close(self) -> None:
            pass

    def connect(address: Address, source: str, timeout: float) -> Connection:
        addresses.append(address)
        return Connection()

    class Query:
        def __init__(self, *_: Any) -> None:
            pass

        def tls(self) -> Any:
            return type("Tls", (), {"used": True})

    monkeypatch.setattr("harness.databases.given.connect", connect)
    monkeypatch.setattr("harness.databases.given.Query", Query)
    return addresses


def said(database: NeonDatabase) -> str:
    stream = database.progress.stream
    assert isinstance(stream, io.StringIO)
    return stream.getvalue()


def test_a_branch_is_made_used_and_deleted(
    neon: Neon, database: NeonDatabase, reached: list[Address]
) -> None:
    learned: list[str] = []
    database.learn = learned.append
    made = database.ensure()
    [name] = [name for name in neon.names() if name != "main"]
    assert name.startswith(f"{PREFIX}deploy-shop-")
    assert neon.bodies == [{"branch": {"name": name}, "endpoints": [{"type": "read_write"}]}]
    assert learned == [made.url_in_cluster] == [url_on_paper(name, "neondb")]
    assert [address.name for address in reached] == ["neondb"]
    assert (made.image, made.tls) == (None, True)
    assert all(operation["status"] == "finished" for operation in neon.operations.values())
    database.delete()
    assert neon.names() == ["main"]
    assert all(operation["status"] == "finished" for operation in neon.operations.values())
    calls = len(neon.calls)
    database.delete()
    assert len(neon.calls) == calls


def test_two_runs_have_a_branch_each(
    neon: Neon, api: NeonApi, database: NeonDatabase, reached: list[Address]
) -> None:
    assert reached == []
    other = NeonDatabase(api, database.progress, "deploy-shop")
    database.ensure()
    other.ensure()
    assert len(neon.names()) == 3
    database.delete()
    assert len(neon.names()) == 2
    other.delete()
    assert neon.names() == ["main"]


def test_what_killed_runs_left_goes_and_nothing_else(
    neon: Neon, database: NeonDatabase, reached: list[Address]
) -> None:
    assert reached == []
    old, recent = timedelta(hours=7), timedelta(minutes=30)
    for name, age in [
        (f"{PREFIX}x-old", old),
        (f"{PREFIX}y-old", old),
        (f"{PREFIX}x-recent", recent),
        ("somebodys", old),
        (f"not-{PREFIX}x", old),
    ]:
        neon.add_branch(name, age)
    neon.add_branch(f"{PREFIX}protected", old)["protected"] = True
    neon.locked = False
    database.ensure()
    database.delete()
    assert neon.names() == sorted(
        ["main", "somebodys", f"not-{PREFIX}x", f"{PREFIX}protected", f"{PREFIX}x-recent"]
    )
    assert "deleted at Neon" in said(database)
    assert "7 hours ago" in said(database)


def test_what_cannot_be_swept_does_not_stop_a_run(
    neon: Neon, database: NeonDatabase, reached: list[Address]
) -> None:
    assert reached == []
    neon.add_branch(f"{PREFIX}old", timedelta(hours=7))
    neon.refusals["DELETE"] = [(422, {"code": "", "message": "it has a child"}, {})]
    database.ensure()
    assert "left at Neon" in said(database)
    assert "it has a child" in said(database)


def test_a_key_that_is_not_known(url: str) -> None:
    with pytest.raises(errors.NeonKeyRefusedError, match="do not pass") as raised:
        NeonApi("napi_somebody_elses_key", url).projects()
    assert "napi_somebody" not in str(raised.value)


def test_a_key_that_may_not_do_this(neon: Neon, api: NeonApi) -> None:
    neon.refusals["POST"] = [(403, {"code": "", "message": f"{KEY} may only read"}, {})]
    with pytest.raises(errors.NeonKeyRefusedError, match="may only read") as raised:
        api.create_branch(PROJECT, "x")
    assert KEY not in str(raised.value)


def test_several_projects(neon: Neon, database: NeonDatabase) -> None:
    neon.projects |= {"old-fire-87654321": "shop", "wet-sand-11112222": "else"}
    with pytest.raises(errors.NeonProjectAmbiguousError, match="NEON_PROJECT_ID") as raised:
        database.ensure()
    for shown in ("cool-sun-12345678 (todo)", "old-fire-87654321", "wet-sand-11112222"):
        assert shown in raised.value.seen
    assert neon.names() == ["main"]


def test_one_of_several_projects_is_named(
    neon: Neon, database: NeonDatabase, reached: list[Address]
) -> None:
    assert reached == []
    neon.projects["old-fire-87654321"] = "shop"
    database.project = "old-fire-87654321"
    database.ensure()
    assert "POST /api/v2/projects/old-fire-87654321/branches" in neon.calls


def test_no_project(neon: Neon, database: NeonDatabase) -> None:
    neon.projects.clear()
    with pytest.raises(errors.NeonProjectMissingError, match="NEON_ORG_ID"):
        database.ensure()


def test_a_project_that_is_not_there(database: NeonDatabase) -> None:
    database.project = "../projects?x"
    with pytest.raises(errors.NeonProjectMissingError, match="project not found"):
        database.ensure()


def test_the_organization_is_asked_for(
    url: str, neon: Neon, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    plain = neon.answer

    def answer(method: str, target: str, key: str, body: Any) -> Any:
        seen.append(target)
        return plain(method, target, key, body)

    monkeypatch.setattr(neon, "answer", answer)
    assert NeonApi(KEY, url, organization="org-a").projects() == {PROJECT: "todo"}
    assert all("org_id=org-a" in target for target in seen)
    assert seen


def test_the_plan_is_used_up(neon: Neon, database: NeonDatabase) -> None:
    neon.most = 1
    with pytest.raises(errors.NeonQuotaError, match="BRANCHES_LIMIT_EXCEEDED"):
        database.ensure()
    assert neon.names() == ["main"]


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ({"status": "failed", "error": "no compute is free"}, "no compute is free"),
        ({"status": "error", "error": "internal"}, "internal"),
        ({"status": "cancelled"}, "cancelled"),
    ],
)
def test_an_operation_that_fails(
    neon: Neon, database: NeonDatabase, ending: dict[str, Any], said: str
) -> None:
    neon.endings["start_compute"] = [ending]
    with pytest.raises(errors.NeonOperationFailedError, match="start_compute") as raised:
        database.ensure()
    assert said in raised.value.seen
    assert neon.names() == ["main"]


def test_an_operation_that_neon_tries_again(
    neon: Neon, database: NeonDatabase, reached: list[Address]
) -> None:
    again = {"status": "failed", "error": "busy", "retry_at": "2030-01-01T00:00:00Z"}
    neon.endings["start_compute"] = [again, again]
    database.ensure()
    assert len(reached) == 1
    assert neon.endings["start_compute"] == []


def test_an_operation_that_does_not_end(neon: Neon, database: NeonDatabase) -> None:
    neon.looks = 10**6
    neon.locked = False
    database.timeout = 0.3
    with pytest.raises(errors.NeonTooSlowError, match="last: ") as raised:
        database.ensure()
    assert raised.value.needed == "Neon's `create_branch` to end within 0 s"
    assert neon.names() == ["main"], "its branch is begun to be deleted all the same"


def test_a_branch_that_cannot_be_deleted_is_told_with_the_cause(
    neon: Neon, database: NeonDatabase
) -> None:
    neon.endings["start_compute"] = [{"status": "error", "error": "internal"}]
    neon.refusals["DELETE"] = [(500, {"code": "", "message": "out of order"}, {})]
    with pytest.raises(errors.NeonOperationFailedError) as raised:
        database.ensure()
    assert "could not be deleted" in str(raised.value)


def test_what_is_locked_is_asked_for_again(neon: Neon, api: NeonApi, slept: list[float]) -> None:
    neon.refusals["POST"] = [(423, LOCKED, {}), (429, LOCKED, {"Retry-After": "7"})]
    neon.refusals["POST"] += [(503, LOCKED, {})]
    branch, operations = api.create_branch(PROJECT, "x")
    assert (branch.name, len(operations)) == ("x", 2)
    assert slept == [0.5, 7.0, 5.0]


def test_what_stays_locked(neon: Neon, url: str) -> None:
    neon.refusals["POST"] = [(423, LOCKED, {})] * 3
    with pytest.raises(errors.NeonTooSlowError, match="running operations"):
        NeonApi(KEY, url, patience=0.1).create_branch(PROJECT, "x")
    assert len(neon.calls) == 1


def test_nobody_answers(url: str) -> None:
    with pytest.raises(errors.NeonUnreachableError, match="HTTPS_PROXY"):
        NeonApi(KEY, url.replace("/api/v2", ":1/api/v2")[:-1]).projects()


def test_a_key_with_a_line_end_is_not_shown(url: str) -> None:
    with pytest.raises(errors.NeonError) as raised:
        NeonApi(f"{KEY}\n", url).projects()
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("body", [{"unexpected": 1}, [], {"branch": {}, "operations": []}])
def test_an_answer_that_is_not_as_described(neon: Neon, api: NeonApi, body: Any) -> None:
    neon.refusals["POST"] = [(201, body, {})]
    with pytest.raises(errors.NeonRefusedError, match="not as its description"):
        api.create_branch(PROJECT, "x")


def test_all_pages_are_read(neon: Neon, api: NeonApi) -> None:
    for number in range(5):
        neon.add_branch(f"some-{number}")
    assert len(api.branches(PROJECT, "some-")) == 5
    neon.projects |= {f"more-{number}": "x" for number in range(4)}
    assert len(api.projects()) == 5


def test_the_database_with_the_projects_name_is_taken(
    neon: Neon, database: NeonDatabase, reached: list[Address]
) -> None:
    neon.databases = {"neondb": ROLE, "shop": "keeper"}
    database.ensure()
    assert reached[0].name == "shop"


@pytest.mark.parametrize("found", [{}, {"a": ROLE, "b": ROLE}])
def test_no_database_to_take(neon: Neon, database: NeonDatabase, found: dict[str, str]) -> None:
    neon.databases = found
    with pytest.raises(errors.NeonDatabaseAmbiguousError, match="shop"):
        database.ensure()
    assert neon.names() == ["main"]


def test_a_database_that_does_not_let_in(neon: Neon, database: NeonDatabase) -> None:
    with pytest.raises(database_errors.HostUnknownError, match="Neon's branch"):
        database.ensure()
    assert neon.names() == ["main"]


def test_no_secret_is_shown(
    neon: Neon, database: NeonDatabase, reached: list[Address], caplog: pytest.LogCaptureFixture
) -> None:
    assert reached == []
    caplog.set_level(logging.DEBUG)
    made = database.ensure()
    database.delete()
    shown = caplog.text + said(database) + repr((database, database.api, made))
    for secret in (KEY, "hunter2"):
        assert secret not in shown
