"""The seeds, one module a topic: one for each static mutant of the Todo app."""

from __future__ import annotations

from mutants.seeding.catalogue import (
    chart,
    code,
    images,
    lifecycle,
    objects,
    probes,
    secrets,
    services,
)
from mutants.seeding.seed import Seed

_TOPICS = (images, code, chart, objects, probes, services, secrets, lifecycle)


def all_seeds() -> tuple[Seed, ...]:
    """Return every seed."""
    return tuple(seed for topic in _TOPICS for seed in topic.CATALOGUE.seeds)
