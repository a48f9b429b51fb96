"""Accounts that are found and not described, against real servers on loopback."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from account_support import CREDENTIALS, FORM, Keeper, Shape, keeping
from journey_support import Pod

from harness.journey.account import Account, Credential, ids_in, tokens_in
from harness.journey.bodies import SchemaOpaqueError
from harness.journey.document import keeps_accounts, users_in
from harness.journey.errors import NotProvableError, StepFailedError
from harness.journey.inside import Inside
from harness.journey.interface import discover
from harness.journey.life import Life
from harness.journey.persona import Persona
from harness.journey.privacy import refused_to_others, refused_without_login
from harness.journey.signing import MOST
from harness.journey.visitor import Visitor

BEARER = {"type": "http", "scheme": "bearer"}
HEADER = {"type": "apiKey", "in": "header", "name": "X-Auth-Token"}
SILENT: dict[str, Any] = {"told": False, "security": None}
BETTER = Shape(
    sign_up="/api/auth/sign-up/email",
    log_in="/api/auth/sign-in/email",
    gives="cookie",
    at_once=True,
    personal=True,
    **SILENT,
)


@contextlib.contextmanager
def living(shape: Shape) -> Iterator[tuple[Life, Keeper]]:
    """Serve an application, and create something that it keeps."""
    with keeping(shape) as keeper, Visitor(keeper.url) as visitor:
        life = Life(visitor, discover(visitor))
        life.create()
        yield life, keeper


# Ways in

SHAPES = {
    "a token at login": Shape(),
    "a token at once": Shape(log_in="", at_once=True),
    "a token that says nothing": Shape(gives="opaque"),
    "a form as OAuth2 has it": Shape(log_in="/token", form=True, sign_up="/register"),
    "a form of the full template": Shape(
        sign_up="/api/v1/users/signup", log_in="/api/v1/login/access-token", form=True
    ),
    "users as a collection": Shape(sign_up="/api/users", log_in="/api/sessions"),
    "a session in a cookie": Shape(gives="cookie"),
    "a session at once": Shape(gives="cookie", at_once=True, log_in=""),
    "a header of its own": Shape(header="X-Auth-Token", security=HEADER, gives="opaque"),
    "HTTP basic": Shape(gives="nothing", log_in="", security={"type": "http", "scheme": "basic"}),
    "an id in the token": Shape(personal=True),
    "an id in the answer": Shape(
        personal=True, gives="opaque", answer={"user": {"id": "person-71"}}
    ),
    "an id that is a number": Shape(personal=True, numbers=True),
    "nothing told": Shape(**SILENT),
    "nothing told, another place": Shape(sign_up="/api/register", log_in="/api/signin", **SILENT),
    "nothing told, a form": Shape(sign_up="/signup", log_in="/token", form=True, **SILENT),
    "Better Auth with a JWT": BETTER,
    "Better Auth from elsewhere": replace(BETTER, origin="http://elsewhere.example"),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_account_is_found_and_what_it_keeps_lives(shape: Shape) -> None:
    with living(shape) as (life, keeper):
        life.read()
        life.change()
        life.read()
        life.delete()
        life.is_gone()
        assert len(keeper.people) == 1
        assert life.account is not None


@pytest.mark.parametrize(
    "shape",
    [Shape(form=True), Shape(gives="cookie"), Shape(personal=True)],
    ids=["form", "cookies", "id in the path"],
)
def test_account_is_had_from_inside_too(shape: Shape) -> None:
    with keeping(shape) as keeper, Visitor(keeper.url, transport=Inside(Pod(), 5)) as visitor:
        life = Life(visitor, discover(visitor))
        life.create()
        refused_without_login(life)
        refused_to_others(life)
        life.delete()
        life.is_gone()


def test_document_that_only_tells_who_somebody_is_gives_the_id() -> None:
    shape = Shape(personal=True, gives="opaque")
    with keeping(shape) as keeper, Visitor(keeper.url) as visitor:
        keeper.document["paths"]["/me"] = {"get": {}}
        life = Life(visitor, discover(visitor))
        life.create()
        assert f"POST /api/{life.account and life.account.ids[0]}/tasks" in keeper.asked
        assert "GET /me" in keeper.asked


def test_account_of_another_address_is_used() -> None:
    shape = Shape(personal=True, sign_up="", log_in="", **SILENT)
    with (
        keeping(shape) as backend,
        keeping(BETTER) as frontend,
        Visitor(backend.url) as inside,
        Visitor(frontend.url) as public,
    ):
        backend.valid = frontend.valid
        life = Life(inside, discover(inside), [public])
        life.create()
        life.read()
        refused_without_login(life)
        refused_to_others(life)
        life.delete()
        life.is_gone()
        assert not backend.people
        assert len(frontend.people) == 2
        assert "DELETE /api/person-71/tasks/1" in backend.asked


def test_what_is_at_the_public_address_too_is_used_there() -> None:
    with (
        keeping(Shape()) as backend,
        keeping(Shape()) as frontend,
        Visitor(backend.url) as inside,
        Visitor(frontend.url) as public,
    ):
        for shared in ("valid", "people", "tasks"):
            setattr(frontend, shared, getattr(backend, shared))
        life = Life(inside, discover(inside), [public])
        life.create()
        life.change()
        assert "PUT /api/tasks/1" in frontend.asked
        assert "PUT /api/tasks/1" not in backend.asked


def test_login_that_has_ended_is_made_again() -> None:
    with living(Shape(ends=True)) as (life, keeper):
        life.read()
        life.change()
        life.read()
        assert keeper.asked.count("POST /api/auth/login") == 3


def test_application_that_wants_time_is_given_it() -> None:
    with keeping(Shape()) as keeper, Visitor(keeper.url) as visitor:
        interface, keeper.busy = discover(visitor), 1
        Life(visitor, interface).create()
        assert keeper.asked.count("POST /api/auth/signup") == 2


# What cannot be proven


@pytest.mark.parametrize(
    ("shape", "why"),
    [
        (
            Shape(refuses=(403, "Please verify your address")),
            "it needs a login, and an account has to be confirmed by e-mail first",
        ),
        (
            Shape(refuses=(401, "wrong")),
            'who has signed up cannot log in: POST /api/auth/login: 401 Unauthorized: {"det',
        ),
        (Shape(sign_up="/somewhere", **SILENT), "nobody can sign up: POST /api/auth/sign-up/email"),
        (
            Shape(header="X-Own", gives="opaque"),
            "it needs a login, and does not take what it gave\n401",
        ),
        (
            Shape(gives="nothing", log_in=""),
            "its login gives nothing that later requests could carry",
        ),
        (
            Shape(personal=True, numbers=False, gives="opaque"),
            "it needs a login, and does not take what it gave\n403",
        ),
    ],
)
def test_account_that_cannot_be_had_is_not_provable(shape: Shape, why: str) -> None:
    with pytest.raises(NotProvableError) as caught, living(shape):
        pass
    assert caught.value.seen.startswith("not provable: ")
    assert why in caught.value.seen
    assert "\n" not in caught.value.why


def test_places_are_looked_for_a_limited_number_of_times() -> None:
    shape = Shape(sign_up="", log_in="", **SILENT)
    with (
        keeping(shape) as keeper,
        Visitor(keeper.url) as visitor,
        pytest.raises(
            NotProvableError, match="nobody can sign up: POST /api/auth/sign-up/email, /"
        ),
    ):
        Life(visitor, discover(visitor), [visitor]).create()
    looked = [line for line in keeper.asked if line.startswith("POST") and "tasks" not in line]
    assert len(looked) == MOST


def test_sign_up_that_breaks_speaks_against_the_application() -> None:
    with keeping(Shape(log_in="")) as keeper, Visitor(keeper.url) as visitor:
        keeper.broken = True
        with pytest.raises(StepFailedError, match="somebody signs up: an answer with status from"):
            Life(visitor, discover(visitor)).create()


def test_no_error_shows_password_token_or_cookie() -> None:
    with living(Shape(wrong="all", gives="cookie")) as (life, keeper):
        with pytest.raises(StepFailedError) as caught:
            refused_to_others(life)
        secrets = [*keeper.valid, *(password for password, _ in keeper.people.values())]
        told = life.visitor.redact(" ".join(secrets))
        assert len(secrets) == 4
        assert not [one for one in secrets if one in f"{caught.value} {told}"]


# Of one visitor alone


@pytest.mark.parametrize(
    "shape",
    [Shape(), Shape(gives="cookie"), Shape(personal=True), BETTER, Shape(**SILENT)],
    ids=["JWT", "cookie", "id in the path", "Better Auth", "nothing told"],
)
def test_what_is_kept_for_one_is_refused_to_all_others(shape: Shape) -> None:
    with living(shape) as (life, keeper):
        refused_without_login(life)
        refused_to_others(life)
        life.read()
        assert len(keeper.people) == 2


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        (Shape(wrong="open"), "somebody without a login reads it: an answer with status 401, 403"),
        (Shape(wrong="open", personal=True), "somebody without a login reads it"),
        (Shape(wrong="unsigned"), "somebody with a forged login reads it"),
        (Shape(wrong="all"), "somebody with another account reads it"),
        (Shape(wrong="all", gives="cookie"), "somebody with another account reads it"),
        (Shape(wrong="path", personal=True), "somebody with another account reads it"),
        (Shape(wrong="deletes"), "somebody with another account deletes it"),
    ],
)
def test_what_others_get_is_noticed(shape: Shape, said: str) -> None:
    with living(shape) as (life, _), pytest.raises(StepFailedError) as caught:
        _refused_to_all(life)
    assert caught.value.needed.startswith(said)
    assert caught.value.fix.endswith("describe a [[journey]]")


def _refused_to_all(life: Life) -> None:
    refused_without_login(life)
    refused_to_others(life)


def test_what_all_may_read_as_the_document_says_is_not_judged() -> None:
    with keeping(Shape(wrong="open")) as keeper, Visitor(keeper.url) as visitor:
        item = keeper.document["paths"]["/api/tasks/{task_id}"]
        del item["get"]["security"]
        life = Life(visitor, discover(visitor))
        life.create()
        for check in (refused_without_login, refused_to_others):
            with pytest.raises(NotProvableError, match="its document lets anybody read it"):
                check(life)


def test_what_all_may_read_and_nothing_says_is_not_judged() -> None:
    with (
        living(Shape(wrong="open", **SILENT)) as (life, _),
        pytest.raises(NotProvableError, match="does not say that reading needs a login"),
    ):
        refused_without_login(life)


# Documents


def test_header_that_is_demanded_counts_as_the_login() -> None:
    with keeping(Shape(security=None)) as keeper, Visitor(keeper.url) as visitor:
        header = {"in": "header", "name": "authorization", "required": True, "schema": {}}
        for path in ("/api/tasks", "/api/tasks/{task_id}"):
            keeper.document["paths"][path]["parameters"] = [header]
        interface = discover(visitor)
        assert interface.resource.login
        Life(visitor, interface).create()
        assert keeper.asked.count("POST /api/tasks") == 1


def test_query_that_is_demanded_gets_an_example_or_who_asks() -> None:
    with keeping(Shape()) as keeper, Visitor(keeper.url) as visitor:
        keeper.document["paths"]["/api/tasks"]["post"]["parameters"] = [
            {"in": "query", "name": "order", "required": True, "schema": {"enum": ["up"]}},
            {"in": "query", "name": "user_id", "required": True, "schema": {"type": "string"}},
        ]
        life = Life(visitor, discover(visitor))
        life.create()
        query, _ = life.interface.demanded("post", "a1", life.person())
        assert query == {"order": "up", "user_id": "person-71"}


def test_body_that_demands_who_asks_is_told() -> None:
    with keeping(Shape()) as keeper, Visitor(keeper.url) as visitor:
        body = keeper.document["paths"]["/api/tasks"]["post"]["requestBody"]
        schema = body["content"]["application/json"]["schema"]
        own = {"owner_id": {"type": "string"}, **schema["properties"]}
        changed = schema | {"required": ["title", "owner_id"], "properties": own}
        body["content"]["application/json"] = {"schema": changed}
        life = Life(visitor, discover(visitor))
        life.create()
        assert keeper.tasks[1]["owner_id"] == "person-71"


def test_document_in_yaml_is_read() -> None:
    with keeping(Shape()) as keeper, Visitor(keeper.url) as visitor:
        keeper.yaml = True
        Life(visitor, discover(visitor)).create()


def test_what_cannot_be_tried_is_followed_by_the_next() -> None:
    with keeping(Shape()) as keeper, Visitor(keeper.url) as visitor:
        paths = keeper.document["paths"]
        schema = {"type": "object", "required": ["at"], "properties": {"at": {"pattern": "^=$"}}}
        post = {"requestBody": {"content": {"application/json": {"schema": schema}}}}
        for name in ("events", "users"):
            paths[f"/api/{name}"] = {"post": post}
            paths[f"/api/{name}/{{id}}"] = {**paths["/api/tasks/{task_id}"], "patch": {}}
        interface = discover(visitor)
        assert interface.resource.collection == "/api/events"
        assert [one.collection for one in interface.others] == ["/api/tasks"]
        life = Life(visitor, interface)
        life.create()
        assert life.interface.resource.collection == "/api/tasks"
        del paths["/api/tasks"]["post"]["requestBody"]
        life = Life(visitor, discover(visitor))
        with pytest.raises(NotProvableError, match="no text is known that matches"):
            life.create()


def test_all_that_cannot_be_tried_is_told_in_a_line_each() -> None:
    with (
        keeping(Shape(log_in="", sign_up="", **SILENT)) as keeper,
        Visitor(keeper.url) as visitor,
    ):
        paths = keeper.document["paths"]
        schema = {"type": "object", "required": ["at"], "properties": {"at": {"pattern": "^=$"}}}
        odd = {"requestBody": {"content": {"application/json": {"schema": schema}}}}
        paths["/api/notes"] = {"post": paths["/api/tasks"]["post"]}
        paths["/api/notes/{id}"] = {"get": {"security": [{"login": []}]}}
        paths["/api/lists"], paths["/api/lists/{id}"] = {"post": odd}, {"get": {}}
        with pytest.raises(NotProvableError) as caught:
            Life(visitor, discover(visitor)).create()
    *each, last = caught.value.seen.removeprefix("not provable: ").splitlines()
    assert each == [
        "/api/tasks: it needs a login",
        "/api/notes: it needs a login",
        "/api/lists: no text is known that matches ^=$",
    ]
    assert last.startswith("it needs a login, and nobody can sign up: POST /api/auth/sign-up")


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/api/{user_id}/tasks", ["user_id"]),
        ("/api/{userId}/tasks/{task_id}", ["userId"]),
        ("/users/{id}/tasks/{task}", ["id"]),
        ("/people/{username}/books", ["username"]),
        ("/projects/{project_id}/tasks", []),
        ("/tasks/{id}", []),
    ],
)
def test_names_in_a_path_that_mean_who_asks(path: str, names: list[str]) -> None:
    assert users_in(path) == names


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("/api/users", "accounts"),
        ("/api/users/{id}/tasks", "else"),
        ("/auth/sessions/", "accounts"),
    ],
)
def test_collections_of_accounts_are_known(path: str, known: str) -> None:
    assert keeps_accounts(path) is (known == "accounts")


# What answers give


def jwt(**claims: Any) -> str:
    said = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{said}.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("answer", "token"),
    [
        ({"access_token": "a" * 20, "refresh_token": "b" * 20}, "a" * 20),
        ({"accessToken": "a" * 20}, "a" * 20),
        ({"data": {"session": {"token": "a" * 20}}}, "a" * 20),
        ({"token": "Bearer " + "a" * 20}, "a" * 20),
        ({"token": "a" * 20, "anything": jwt(sub="1")}, jwt(sub="1")),
        ({"data": jwt(sub="1")}, jwt(sub="1")),
        (jwt(sub="1"), jwt(sub="1")),
        ({"refresh": jwt(sub="1")}, None),
        ({"token": None, "token_type": "bearer", "csrf_token": "a" * 20}, None),
    ],
)
def test_token_is_found_in_an_answer(answer: Any, token: str | None) -> None:
    assert tokens_in([answer])[:1] == ([token] if token else [])


@pytest.mark.parametrize(
    ("answer", "claims", "first"),
    [
        ({"id": 7}, {}, 7),
        ({"user": {"id": "u7", "email": "a@example.com"}}, {}, "u7"),
        ({"id": "session", "user_id": "u7"}, {}, "u7"),
        ({"data": {"user": {"_id": "u7"}}}, {}, "u7"),
        ({}, {"sub": "u7"}, "u7"),
        ({}, {"sub": "a@example.com", "userId": 7}, 7),
        ({"ok": True}, {}, None),
    ],
)
def test_id_is_found_in_answers_and_tokens(
    answer: Any, claims: Mapping[str, Any], first: object
) -> None:
    tokens = [jwt(**claims)] if claims else []
    assert ids_in([answer], tokens)[:1] == ([] if first is None else [first])


def _same() -> Account:
    raise AssertionError("nobody logs in again")


@pytest.fixture
def account() -> Account:
    persona = Persona("0123456789abcdef")
    persona.said = {"email": persona.email, "username": persona.username}
    ids: list[str | int] = ["u7", 7, "0b0e0ec7-3d4f-45b8-830c-1127983e9d88"]
    return Account(persona, [jwt(sub="u7")], {"sid": "a" * 20}, ids, _same)


@pytest.mark.parametrize(
    ("name", "schema", "value"),
    [
        ("user_id", {}, "u7"),
        ("user_id", {"type": "integer"}, 7),
        ("user_id", {"type": "string", "format": "uuid"}, "0b0e0ec7-3d4f-45b8-830c-1127983e9d88"),
        ("username", {"type": "string"}, "u0123456789a"),
        ("user_email", {}, "0123456789abcdef@example.com"),
    ],
)
def test_what_stands_for_somebody_fits(
    account: Account, name: str, schema: dict[str, Any], value: object
) -> None:
    assert account.value(name, schema) == value


@pytest.mark.parametrize(
    ("scheme", "headers", "params"),
    [
        (BEARER, {"Authorization": "Bearer {t}"}, {}),
        (HEADER, {"X-Auth-Token": "{t}"}, {}),
        ({"type": "apiKey", "in": "query", "name": "key"}, {}, {"key": "{t}"}),
        ({"type": "apiKey", "in": "header", "name": "Authorization"}, None, {}),
        ({"type": "apiKey", "in": "cookie", "name": "jwt"}, {"Cookie": "sid={c}; jwt={t}"}, {}),
    ],
)
def test_credential_is_what_the_scheme_says(
    account: Account, scheme: dict[str, Any], headers: dict[str, str] | None, params: dict[str, str]
) -> None:
    [first, *_, last] = account.credentials([scheme])
    known = {"t": account.tokens[0], "c": "a" * 20}
    told = {"Authorization": "Bearer {t}"} if headers is None else headers
    wanted = {"Cookie": "sid={c}"} | told
    assert first.headers == {name: text.format(**known) for name, text in wanted.items()}
    assert first.params == {name: text.format(**known) for name, text in params.items()}
    assert last == Credential({"Cookie": f"sid={'a' * 20}"})


def test_forged_credential_has_no_secret_of_the_first(account: Account) -> None:
    for credential in account.credentials([BEARER, HEADER, {"type": "http", "scheme": "basic"}]):
        forged = credential.forged()
        assert forged.headers.keys() == credential.headers.keys()
        assert not [n for n, value in forged.headers.items() if value == credential.headers[n]]
    token = account.credentials([BEARER])[0].forged().headers["Authorization"]
    assert token.rpartition(".")[0] == f"Bearer {account.tokens[0]}".rpartition(".")[0]


# What somebody says


@pytest.mark.parametrize(
    "schema",
    [
        CREDENTIALS,
        {
            "type": "object",
            "required": ["username", "password", "confirm_password", "terms"],
            "properties": {
                "username": {"type": "string", "minLength": 3, "maxLength": 8},
                "email": {"anyOf": [{"type": "string", "format": "email"}, {"type": "null"}]},
                "password": {
                    "type": "string",
                    "pattern": r"^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)(?=.*[@$!%*?&])[\w@$!%*?&]{8,}$",
                },
                "confirm_password": {"type": "string"},
                "terms": {"const": True},
            },
        },
        {
            "type": "object",
            "required": ["user"],
            "properties": {"user": CREDENTIALS},
        },
        {
            "type": "object",
            "required": ["name", "password"],
            "properties": {
                "name": {"type": "string", "maxLength": 100},
                "password": {"type": "string", "minLength": 24},
            },
        },
    ],
)
def test_sign_up_says_what_its_schema_allows_and_the_login_the_same(schema: dict[str, Any]) -> None:
    persona = Persona()
    body = persona.signing_up({}, schema)
    jsonschema.Draft202012Validator(schema).validate(body)
    text = json.dumps(body)
    assert persona.password in text
    assert any(identity in text for identity in persona.identities)
    [first, *_] = persona.logging_in({}, schema)
    assert first == body
    [form, *_] = persona.logging_in({}, FORM)
    assert form == {
        "grant_type": "password",
        "username": persona.identities[0],
        "password": persona.password,
    }
    assert Persona().signing_up({}, schema) != body


def test_password_that_nobody_can_think_of_is_said() -> None:
    schema = {"properties": {"password": {"type": "string", "pattern": "^[xyz]+$"}, "email": {}}}
    with pytest.raises(SchemaOpaqueError, match="no password is known that matches"):
        Persona().signing_up({}, schema)
