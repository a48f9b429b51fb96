"""The journeys of a description: who does what, by which request, and what is to come of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from harness.journey.values import NAME, keep_path, names_in

Path_ = Annotated[str, Field(pattern=r"^[^\r\n]+$")]
#: A sentence of a scenario: one line, without what Gherkin or an outline reads as its own.
Sentence = Annotated[str, Field(pattern=r"^[^\s<>|#@\"][^\r\n<>|]*$")]
#: Given to every journey: a text that nobody had before.
UNIQUE = "unique"


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(_Table):
    """One sentence: a request, and what is to be answered.

    A step with nothing but a sentence does what the step with that sentence before it does.
    """

    says: Sentence
    #: method and path at the public address, such as `POST /api/notes`
    request: str = Field("", pattern=r"^((GET|HEAD|POST|PUT|PATCH|DELETE) /\S*)?$")
    headers: dict[str, str] = {}
    #: sent as JSON
    body: Any = None
    #: sent as a form
    form: dict[str, str] = {}
    #: the statuses that are right; none: any of 200 to 299
    status: int | list[int] = []
    #: names for parts of the answer, which later steps use as `${name}`
    keep: dict[str, Path_] = {}
    #: parts of the answer, and what each has to be
    expect: dict[Path_, Any] = {}
    #: texts that the answer shows; of a page what people see, not its HTML
    shows: list[Annotated[str, Field(pattern=r"\S")]] = []

    @property
    def method(self) -> str:
        """The request's method."""
        return self.request.partition(" ")[0]

    @property
    def path(self) -> str:
        """The request's path, with the names that are filled in."""
        return self.request.partition(" ")[2]

    @property
    def statuses(self) -> tuple[int, ...]:
        """The statuses that are right; none: any of 200 to 299."""
        return (self.status,) if isinstance(self.status, int) else tuple(self.status)

    def used(self) -> set[str]:
        """Return the names that it fills in."""
        return names_in([self.path, self.headers, self.body, self.form, self.expect, self.shows])


class Journey(_Table):
    """A scenario: its steps in order, and those that have to be so again on new pods."""

    name: Sentence
    steps: list[Step] = Field(min_length=1)
    #: sentences of steps that are taken again after every pod was replaced
    stays: list[str] = []
    #: requirements that it proves
    requirements: list[str] = []


def read(told: Any) -> list[Journey]:
    """Return the journeys of a description as it was read; none where something cannot be."""
    try:
        return TypeAdapter(list[Journey]).validate_python(told)
    except ValidationError:
        return []


def sentences(journeys: Iterable[Journey]) -> dict[str, Step]:
    """Return what each sentence of all journeys does."""
    done: dict[str, Step] = {}
    for step in (step for journey in journeys for step in journey.steps if step.request):
        done.setdefault(step.says, step)
    return done


def problems(journeys: Iterable[Journey], requirements: Mapping[str, str]) -> Iterator[str]:
    """Yield, by key, what of the journeys cannot be."""
    journeys = [*journeys]
    done = sentences(journeys)
    names: set[str] = set()
    for i, journey in enumerate(journeys):
        where = f"journey.{i}"
        if journey.name in names:
            yield f"{where}.name: there is a journey of this name already: {journey.name}"
        names.add(journey.name)
        for demanded in journey.requirements:
            if demanded not in requirements:
                yield f"{where}.requirements: {demanded} is not in [requirements]"
        kept = {UNIQUE}
        for j, told in enumerate(journey.steps):
            step = done.get(told.says, told)
            place = f"{where}.steps.{j}"
            if not step.request:
                yield f"{place}.request: this key is missing, and no step says the same with one"
                continue
            if told.request and told != step:
                yield f"{place}.says: another step says the same and does something else"
            if step.body is not None and step.form:
                yield f"{place}: it has a body and a form"
            for name in sorted(step.used() - kept):
                yield f"{place}: ${{{name}}} is kept by no step before it"
            yield from _of_paths(place, step)
            kept |= step.keep.keys()
        says = {step.says for step in journey.steps}
        for sentence in journey.stays:
            if sentence not in says:
                yield f"{where}.stays: no step of this journey says: {sentence}"


def _of_paths(place: str, step: Step) -> Iterator[str]:
    for name in step.keep:
        if not re.fullmatch(NAME, name):
            yield f"{place}.keep: a name has letters, digits and _ only, not {name!r}"
    for path in (*step.keep.values(), *step.expect):
        try:
            keep_path(path)
        except ValueError as error:
            yield f"{place}: {error}"
