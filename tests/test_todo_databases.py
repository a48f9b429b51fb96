"""The Todo app's own images, on databases that behave like Neon's; without a cluster."""

from __future__ import annotations

import io
import os
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from images_support import FixedBases, official, real_engine

from harness.cache import Cache
from harness.databases.database import Database
from harness.databases.external import PostgresExternal
from harness.databases.pooler import Pooler
from harness.faults.sleep import Away, Held
from harness.images import containers
from harness.images.alone import Alone
from harness.images.build import Builder
from harness.images.project import ProjectImages
from harness.images.running import Running
from harness.jobs import Jobs
from harness.progress import Progress
from harness.project import Project
from harness.supply.engine import Engine
from steps.account import Account, sign_in, sign_up

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[1]
BACKEND = "backend-svc"


@dataclass
class App:
    """Both containers at work, with who uses them, and what their database is behind."""

    frontend: Running
    backend: Running
    people: list[Account]
    cut: Callable[[], int]

    def all(self, does: Callable[[Account], object]) -> None:
        with ThreadPoolExecutor(len(self.people)) as pool:
            list(pool.map(does, self.people))


def adds(account: Account) -> None:
    answer = account.call("POST", title="One of many")
    assert answer.status_code == 201, answer.text
    account.todo = answer.json()


def reads(account: Account) -> None:
    answer = account.call("GET", f"/{account.todo['id']}")
    assert answer.status_code == 200, answer.text
    assert answer.json() == account.todo


@pytest.fixture(scope="module")
def engine() -> Engine:
    return real_engine()


@pytest.fixture(scope="module")
def pooler(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pooler]:
    cache, progress = Cache(tmp_path_factory.mktemp("cache")), Progress(stream=io.StringIO())
    names = ("postgres:17", "debian:trixie-slim", "python:3.12-slim", "node:24-slim")
    bases: Any = FixedBases({name: official(engine, name) for name in names})
    cluster = f"test-{uuid.uuid4().hex[:8]}"
    postgres = PostgresExternal(engine, bases, cache, progress, cluster, network="no-such-network")
    pooler = Pooler(postgres, Builder(engine, bases, cache, progress, os.environ))
    try:
        postgres.ensure()
        yield pooler
    finally:
        pooler.delete()
        postgres.delete()


@pytest.fixture(scope="module", params=["external", "pooled"])
def app(request: pytest.FixtureRequest, engine: Engine, pooler: Pooler) -> Iterator[App]:
    """The app, migrated and ready, with three people who have a todo each."""
    postgres, kind = pooler.postgres, str(request.param)
    database: Database = postgres.create_database(kind)
    if kind == "pooled":
        database = pooler.ensure(database)
    project, jobs = Project.load(ROOT), Jobs()
    images = ProjectImages(project, pooler.builder, jobs).all()
    network = containers.side_network(engine, postgres.cache, postgres.cluster)
    env = {
        "DATABASE_URL": database.url_in_cluster,
        "BETTER_AUTH_SECRET": secrets.token_urlsafe(48),
        "COHERE_API_KEY": "nobody-is-asked",
        "COHERE_BASE_URL": "http://cohere.invalid",
        "NEXT_PUBLIC_API_URL": f"http://{BACKEND}:8000",
    }
    with ExitStack() as stack:
        stack.callback(jobs.close, interrupted=False)
        running = {}
        for name, described in project.images.items():
            used = {key: value for key, value in env.items() if key in described.env}
            port, image = described.port, images[name].ref
            alone = Alone(engine, image, port, used, list(used.values()), network=network)
            for command in described.before:
                Alone(engine, image, None, used, command=command, network=network).to_end()
            running[name] = stack.enter_context(alone.started())
        containers.join(engine, running["backend"].container, network, BACKEND)
        for name, one in running.items():
            one.answers({"backend": "/ready", "frontend": "/api/ready"}[name], timeout=60)
        people = [
            sign_up(
                stack.enter_context(
                    httpx.Client(base_url=running["frontend"].url, timeout=20, trust_env=False)
                )
            )
            for _ in range(3)
        ]

        def cut() -> int:
            if kind == "pooled":
                return pooler.console.drop_clients(database.name)
            return postgres.disconnect()

        app = App(running["frontend"], running["backend"], people, cut)
        app.all(adds)
        yield app


def test_many_at_once(app: App) -> None:
    for _ in range(5):
        app.all(adds)
        app.all(reads)
    app.all(sign_in)


def test_connections_that_are_cut_are_missed_by_nobody(app: App) -> None:
    for _ in range(3):
        assert app.cut() >= 2
        app.all(reads)
        assert app.cut() >= 1
        app.all(sign_in)


def test_who_comes_while_the_server_wakes_up_waits(app: App, pooler: Pooler) -> None:
    with Held(pooler.postgres, 2):
        app.all(reads)
    with Held(pooler.postgres, 2):
        app.all(sign_in)


def test_a_server_that_has_to_start_is_told_and_waited_for(app: App, pooler: Pooler) -> None:
    told: list[str] = []
    lock = threading.Lock()

    def ask(account: Account) -> None:
        started = time.monotonic()
        answer = account.call("GET", f"/{account.todo['id']}")
        with lock:
            told.append(f"{answer.status_code} after {time.monotonic() - started:.1f} s")
        assert time.monotonic() - started < 15
        if answer.status_code != 200:
            assert answer.status_code in (502, 503, 504), answer.text
            assert answer.json()["detail"], answer.text

    with Away(pooler.postgres, 3):
        app.all(ask)
    print(told)  # noqa: T201 - for whoever reads the record
    app.frontend.answers("/api/ready", timeout=30)
    app.backend.answers("/ready", timeout=30)
    app.all(reads)
    app.all(sign_in)
