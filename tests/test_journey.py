"""Journeys: described steps against a real server on loopback, and what an OpenAPI tells."""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
from journey_support import FORM_TOKEN, NOTE, TOKEN, Notes, document, serving

from harness.journey.bodies import SchemaOpaqueError, example
from harness.journey.description import Journey, Step, problems
from harness.journey.errors import NotProvableError, StepFailedError
from harness.journey.feature import feature
from harness.journey.inside import Inside
from harness.journey.interface import discover
from harness.journey.life import Life
from harness.journey.values import PathEmptyError, at, filled
from harness.journey.visitor import Visitor
from harness.probes.results import Http
from harness.project import Project, ProjectFileInvalidError
from harness.redact import MASK

SIGNS_UP = Step(
    says="somebody signs up",
    request="POST /signup",
    body={"email": "${unique}@example.com", "password": "pass-${unique}"},
    status=201,
    keep={"token": "$.token", "person": "user.id"},
)
HEADERS = {"Authorization": "Bearer ${token}"}
WRITES = Step(
    says="somebody writes a note",
    request="POST /notes",
    headers=HEADERS,
    body={"title": "Water the plants", "by": "${person}"},
    keep={"note": "$.id"},
)
READS = Step(
    says="the note is there",
    request="GET /notes/${note}",
    headers=HEADERS,
    expect={"title": "Water the plants", "by": 7},
)


@pytest.fixture
def notes() -> Iterator[Notes]:
    with serving() as server:
        yield server


@pytest.fixture
def visitor(notes: Notes) -> Iterator[Visitor]:
    with Visitor(notes.url) as visitor:
        yield visitor


# Values


@pytest.mark.parametrize(
    ("path", "value"),
    [("$", {"a": [{"b c": 1}]}), ("$.a[0]", {"b c": 1}), ('a[-1]["b c"]', 1)],
)
def test_path_leads_to_a_part(path: str, value: Any) -> None:
    assert at({"a": [{"b c": 1}]}, path) == value


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("$.b", r"\$ is an object with a"),
        ("$.a[3]", r"\$\.a is a list of 1"),
        ("$.a.b", r"\$\.a is a list of 1"),
        ("$.a[0].c", r"\$\.a\[0\] is neither"),
    ],
)
def test_path_that_leads_nowhere_says_where_it_ends(path: str, said: str) -> None:
    with pytest.raises(PathEmptyError, match=said):
        at({"a": [1]}, path)


def test_names_are_filled_in_and_keep_their_type_where_they_are_alone() -> None:
    told = {"id": "${id}", "text": ["no ${id}", 3], "none": None}
    assert filled(told, {"id": 7}) == {"id": 7, "text": ["no 7", 3], "none": None}


# Descriptions


def journey(*steps: Step, **more: Any) -> Journey:
    return Journey(name="A journey", steps=list(steps), **more)


@pytest.mark.parametrize(
    ("journeys", "said"),
    [
        ([journey(READS)], r"steps.0: \$\{note\} is kept by no step before it"),
        ([journey(Step(says="somebody waits"))], "steps.0.request: this key is missing"),
        ([journey(SIGNS_UP), journey(SIGNS_UP)], "journey.1.name: there is a journey"),
        ([journey(SIGNS_UP, requirements=["FR-9"])], "FR-9 is not in"),
        ([journey(SIGNS_UP, stays=["the note is there"])], "stays: no step of this journey"),
        (
            [journey(SIGNS_UP, SIGNS_UP.model_copy(update={"status": 200}))],
            "steps.1.says: another step says the same and does something else",
        ),
        (
            [journey(Step(says="a", request="GET /", keep={"x": "$..a"}))],
            r"steps.0: '\$\.\.a' is no path",
        ),
        ([journey(Step(says="a", request="GET /", keep={"x y": "a"}))], "a name has letters"),
        (
            [journey(Step(says="a", request="POST /", body={}, form={"a": "b"}))],
            "steps.0: it has a body and a form",
        ),
    ],
)
def test_journey_that_cannot_be_is_refused(journeys: list[Journey], said: str) -> None:
    [problem, *_] = problems(journeys, {})
    assert re.search(said, problem), problem


def test_sentence_alone_does_what_was_said_before() -> None:
    assert not [*problems([journey(SIGNS_UP, Step(says=SIGNS_UP.says))], {})]


def test_description_with_a_journey_is_read_and_refused(project_dir: Path) -> None:
    file = project_dir / "deploy.toml"
    told = '[[journey]]\nname = "Notes"\n[[journey.steps]]\nsays = "somebody looks"\n'
    file.write_text(file.read_text() + told + 'request = "GET /notes"\n')
    [read] = Project.load(project_dir).journey
    assert (read.steps[0].method, read.steps[0].path) == ("GET", "/notes")
    file.write_text(file.read_text().replace("GET /notes", "LOOK /notes"))
    with pytest.raises(ProjectFileInvalidError, match=r"journey\.0\.steps\.0\.request"):
        Project.load(project_dir)


def test_feature_reads_as_the_description_says() -> None:
    told = journey(SIGNS_UP, WRITES, READS, stays=[READS.says], requirements=["FR-1"])
    assert feature("shop", [told]).partition("behind it.\n")[2] == (
        "\n  @FR-1 @disruptive\n"
        "  Scenario: A journey\n"
        "    Given the application is installed by its chart\n"
        "    And a visitor of the application\n"
        "    When somebody signs up\n"
        "    And somebody writes a note\n"
        "    Then the note is there\n"
        "    When every pod of the application is replaced\n"
        "    Then the application is ready again\n"
        "    And the note is there\n"
    )


# Steps


def test_steps_hand_values_on(visitor: Visitor, notes: Notes) -> None:
    for step in (SIGNS_UP, WRITES, READS):
        visitor.take(step)
    assert notes.asked == ["POST /signup", "POST /notes", "GET /notes/1"]
    assert notes.notes[1]["by"] == 7
    seen = visitor.take(Step(says="who", request="GET /seen", expect={"cookie": "seen=before"}))
    assert seen.status_code == 200


def test_two_visitors_have_nothing_in_common(visitor: Visitor, notes: Notes) -> None:
    visitor.take(SIGNS_UP)
    with Visitor(notes.url) as other:
        assert other.kept["unique"] != visitor.kept["unique"]
        other.take(Step(says="who", request="GET /seen", expect={"cookie": ""}))


def test_form_is_sent_as_one(visitor: Visitor) -> None:
    step = Step(says="in", request="POST /login", form={"user": "a b"}, expect={"form": "user=a+b"})
    visitor.take(step)


OPENS = Step(says="somebody opens the book", request="GET /book")
SIGNS = Step(says="signs it", request="POST /book", form={"words": "a < ${unique}"}, status=302)
SHOWN = Step(
    says="it is there",
    request="GET /book",
    shows=["They wrote: a < ${unique}", "Book"],
)


def test_form_of_a_page_is_sent_with_what_it_hides(visitor: Visitor, notes: Notes) -> None:
    for step in (OPENS, SIGNS, SHOWN):
        visitor.take(step)
    words = f"a < {visitor.kept['unique']}"
    assert notes.signed == {"csrf_token": FORM_TOKEN, "next": "/", "words": words}


def test_form_of_a_page_that_nobody_opened_is_sent_as_it_is(visitor: Visitor) -> None:
    with pytest.raises(StepFailedError, match="403 Forbidden"):
        visitor.take(SIGNS)


def test_own_field_wins_over_a_hidden_one(visitor: Visitor, notes: Notes) -> None:
    visitor.take(OPENS)
    visitor.take(SIGNS.model_copy(update={"form": {"next": "/other"}}))
    assert notes.signed["next"] == "/other"


@pytest.mark.parametrize("hidden", ["Unseen", "a script", FORM_TOKEN, "<b>", "They wrote: a < x"])
def test_text_that_nobody_sees_is_not_shown(visitor: Visitor, hidden: str) -> None:
    with pytest.raises(StepFailedError) as failed:
        visitor.take(OPENS.model_copy(update={"shows": [hidden]}))
    assert failed.value.needed.startswith("somebody opens the book: an answer that shows ")
    assert failed.value.seen == "200 OK: Book They wrote: nothing"
    assert FORM_TOKEN not in str(failed.value)


def test_answer_that_is_no_page_shows_what_it_is(visitor: Visitor) -> None:
    visitor.take(Step(says="a page", request="GET /page", shows=["page, and no"]))


def test_name_in_what_is_shown_has_to_be_kept() -> None:
    [problem] = problems([journey(Step(says="a", request="GET /", shows=["${note}"]))], {})
    assert "${note} is kept by no step before it" in problem


def test_redirect_is_an_answer(visitor: Visitor) -> None:
    visitor.take(Step(says="away", request="GET /elsewhere", status=[301, 302]))
    with pytest.raises(StepFailedError, match="from 200 to 299"):
        visitor.take(Step(says="away", request="GET /elsewhere"))


@pytest.mark.parametrize(
    ("step", "needed", "seen"),
    [
        (
            Step(says="a note is read", request="GET /notes/1", status=200),
            "a note is read: an answer with status 200",
            '401 Unauthorized: {"detail": "who are you?", "sent": ""}',
        ),
        (
            Step(says="it is read", request="GET /page", keep={"a": "a"}),
            "it is read: an answer in JSON",
            "200 OK: a page, and no JSON",
        ),
        (
            Step(says="it looks", request="GET /seen", expect={"cookie": "other"}),
            "it looks: 'other' at cookie of the answer",
            "''\n200 OK",
        ),
        (
            Step(says="it looks", request="GET /seen", expect={"$.no.way": 1}),
            "it looks: 1 at $.no.way of the answer",
            "nothing at $.no.way: $ is an object with cookie",
        ),
        (
            Step(says="it looks", request="GET /seen", keep={"id": "$.id"}),
            "it looks: id at $.id of the answer",
            "nothing at $.id: $ is an object with cookie",
        ),
        (
            Step(says="it looks", request="GET /notes/${note}"),
            "it looks: a value for ${note}",
            "none is kept",
        ),
    ],
)
def test_what_goes_wrong_names_step_request_and_answer(
    visitor: Visitor, step: Step, needed: str, seen: str
) -> None:
    with pytest.raises(StepFailedError) as caught:
        visitor.take(step)
    assert caught.value.needed == needed
    assert caught.value.seen.startswith(seen)
    assert caught.value.looked == f"{step.method} {visitor.address}{step.path}"
    assert caught.value.fix


def test_nobody_answers(visitor: Visitor) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and listens to nobody
        with (
            Visitor(f"http://127.0.0.1:{taken.getsockname()[1]}") as away,
            pytest.raises(StepFailedError, match="ConnectError") as caught,
        ):
            away.take(Step(says="it looks", request="GET /"))
    assert caught.value.needed == "it looks: an answer"


def test_who_listens_and_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            Visitor(address, timeout=0.2) as visitor,
            pytest.raises(StepFailedError, match="ReadTimeout"),
        ):
            visitor.take(Step(says="it looks", request="GET /"))


def test_no_error_shows_what_was_secret(visitor: Visitor) -> None:
    visitor.take(SIGNS_UP)
    password = f"pass-{visitor.kept['unique']}"
    step = Step(
        says="it signs up",
        request="POST /notes",
        headers={"Authorization": "Bearer wrong-${token}"},
        body={"password": password, "again": password, "token": "${token}"},
    )
    with pytest.raises(StepFailedError) as caught:
        visitor.take(step)
    assert password not in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert MASK in caught.value.seen
    assert "with authorization" in caught.value.looked


class Pod:
    """Sends requests as a probe pod does, from where this test is."""

    def __init__(self, *, most: int = 65536) -> None:
        self.most = most

    def http(
        self, method: str, url: str, *, headers: Mapping[str, str], body: str, timeout: float
    ) -> Http:
        there = urlsplit(url)
        connection = http.client.HTTPConnection(str(there.hostname), there.port, timeout=timeout)
        try:
            connection.request(method, there.path, body.encode() or None, dict(headers))
            answer = connection.getresponse()
            whole = answer.read()
        except OSError as error:
            return Http(ok=False, error="refused", message=str(error))
        told = {name.lower(): value for name, value in answer.getheaders()}
        cut = whole[: self.most]
        return Http(
            ok=True, status=answer.status, headers=told, body=cut, truncated=len(whole) > len(cut)
        )


def test_steps_are_taken_from_inside_too(notes: Notes) -> None:
    notes.told = document()
    with Visitor(notes.url, transport=Inside(Pod(), 5)) as visitor:
        for step in (SIGNS_UP, WRITES, READS):
            visitor.take(step)
        life = Life(visitor, discover(visitor))
        life.create()
        life.read()


def test_nobody_answers_inside(notes: Notes) -> None:
    with (
        Visitor(notes.url.rpartition(":")[0] + ":9", transport=Inside(Pod(), 5)) as visitor,
        pytest.raises(StepFailedError, match="ConnectError: refused"),
    ):
        visitor.take(SIGNS_UP)


def test_answer_that_came_in_part_is_none(notes: Notes) -> None:
    notes.told = document()
    with (
        Visitor(notes.url, transport=Inside(Pod(most=100), 5)) as visitor,
        pytest.raises(NotProvableError, match="more than 64 KiB"),
    ):
        discover(visitor)


# Bodies


SCHEMAS: list[dict[str, Any]] = [
    NOTE,
    {"type": "string", "format": "email"},
    {"type": "string", "minLength": 30},
    {"type": "string", "maxLength": 3},
    {"type": "string", "minLength": 3, "maxLength": 3, "pattern": "^[0-9]+$"},
    {"type": ["null", "string"], "format": "date-time"},
    {"type": "integer", "minimum": 5, "maximum": 5},
    {"type": "integer", "exclusiveMinimum": 10, "multipleOf": 4},
    {"type": "number", "maximum": -3},
    {"type": "boolean"},
    {"type": "array", "minItems": 2, "uniqueItems": True, "items": {"type": "string"}},
    {"anyOf": [{"type": "null"}, {"const": 3}]},
    {
        "allOf": [
            {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}},
            {"type": "object", "required": ["b"], "properties": {"b": {"enum": [4]}}},
        ]
    },
    {"type": "object", "properties": {"a": {"type": "string"}, "more": {"type": "object"}}},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=[str(s)[:60] for s in SCHEMAS])
def test_example_is_what_its_schema_allows(schema: dict[str, Any]) -> None:
    made = example({}, schema, "0a1b2c3d4e")
    jsonschema.Draft202012Validator(schema).validate(made)
    assert made != {}


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"$ref": "other.json#/A"}, "another document"),
        ({"$ref": "#/A"}, "refers to nothing"),
        ({"$ref": "#/loop"}, "refers to itself"),
        ({"$ref": "#/tree"}, "refers to itself"),
        ({"type": "string", "pattern": "^[XYZ]{9}$"}, "no text is known"),
    ],
)
def test_schema_that_tells_nothing_says_why(schema: dict[str, Any], said: str) -> None:
    tree = {"type": "object", "required": ["in"], "properties": {"in": {"$ref": "#/tree"}}}
    with pytest.raises(SchemaOpaqueError, match=said):
        example({"loop": {"$ref": "#/loop"}, "tree": tree}, schema, "0a1b2c3d4e")


# Interfaces


def test_life_of_something_that_is_found_in_the_document(visitor: Visitor, notes: Notes) -> None:
    notes.told = document()
    life = Life(visitor, discover(visitor))
    life.create()
    life.read()
    before = life.sent
    life.change()
    life.read()
    assert before != life.sent
    life.delete()
    life.is_gone()
    done = [line for line in notes.asked if "/open/" in line]
    methods = ["POST", "GET", "PUT", "GET", "DELETE", "GET"]
    assert done == [f"{m} /open/notes{'/1' if m != 'POST' else ''}" for m in methods]


def test_change_that_is_forgotten_is_noticed(visitor: Visitor, notes: Notes) -> None:
    notes.told, notes.broken = document(), "forgets"
    life = Life(visitor, discover(visitor))
    life.create()
    life.change()
    with pytest.raises(StepFailedError, match="the visitor reads it: title to be"):
        life.read()


def test_what_stays_after_it_was_deleted_is_noticed(visitor: Visitor, notes: Notes) -> None:
    notes.told, notes.broken = document(), "keeps"
    life = Life(visitor, discover(visitor))
    life.create()
    life.delete()
    with pytest.raises(StepFailedError, match="status 404 or 410"):
        life.is_gone()


def test_loss_is_noticed(visitor: Visitor, notes: Notes) -> None:
    notes.told = document()
    life = Life(visitor, discover(visitor))
    life.create()
    notes.notes.clear()
    with pytest.raises(StepFailedError, match="the visitor reads it: an answer with status"):
        life.read()


@pytest.mark.parametrize(("broken", "why"), [("refuses", "is refused"), ("login", "needs a login")])
def test_what_cannot_be_created_is_not_provable(
    visitor: Visitor, notes: Notes, broken: str, why: str
) -> None:
    notes.told, notes.broken = document(), broken
    with pytest.raises(NotProvableError, match=f"not provable: .*{why}"):
        Life(visitor, discover(visitor)).create()


def _changed(**post: Any) -> dict[str, Any]:
    told = document()
    told["paths"]["/open/notes"]["post"] |= post
    return told


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (None, "there is none"),
        ({"paths": {}}, "it has nothing that can be created"),
        (document(security=[{"bearer": []}]), "/open/notes: GET needs a login"),
        (_changed(requestBody={}), "/open/notes: what is to be sent is not described as JSON"),
        (
            _changed(parameters=[{"in": "query", "name": "team", "required": True}]),
            "/open/notes: POST needs the query team",
        ),
    ],
)
def test_document_that_tells_nothing_to_try_is_not_provable(
    visitor: Visitor, notes: Notes, told: Any, why: str
) -> None:
    notes.told = told
    with pytest.raises(NotProvableError, match=why):
        discover(visitor)


def test_what_is_not_offered_is_not_provable(visitor: Visitor, notes: Notes) -> None:
    notes.told = document()
    for method in ("put", "delete"):
        del notes.told["paths"]["/open/notes/{note_id}"][method]
    life = Life(visitor, discover(visitor))
    life.create()
    with pytest.raises(NotProvableError, match="that can be changed"):
        life.change()
    with pytest.raises(NotProvableError, match="that can be deleted"):
        life.delete()


def test_paths_begin_where_the_document_says(visitor: Visitor, notes: Notes) -> None:
    told = document(servers=[{"url": "/open"}])
    told["paths"] = {path.removeprefix("/open"): part for path, part in told["paths"].items()}
    notes.told = told
    life = Life(visitor, discover(visitor))
    life.create()
    life.read()
