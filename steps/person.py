"""A person who uses the todo app in a real browser."""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_bdd import given, parsers, then, when

from harness.evidence import call

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Response

    from fixtures.browser import Visit
    from fixtures.evidence import Evidence
    from harness.databases.database import Database


@dataclass
class Person:
    """Somebody at a browser, with an account that nobody had before."""

    page: Page
    errors: list[str]
    email: str = field(default_factory=lambda: f"person-{secrets.token_hex(8)}@example.com")
    password: str = field(default_factory=lambda: secrets.token_urlsafe(18))

    @property
    def tasks(self) -> Locator:
        """The todos on the page."""
        return self.page.get_by_role("list", name="Tasks").get_by_role("listitem")

    def checkbox(self, title: str) -> Locator:
        """The box that completes a todo."""
        return self.page.get_by_role("checkbox", name=f"Complete: {title}", exact=True)

    def sees_todo(self, title: str) -> None:
        """Wait until a todo is on the page."""
        _expect(self.checkbox(title)).to_be_visible()


def _expect(locator: Locator) -> Any:
    from playwright.sync_api import expect

    return expect(locator)


@contextlib.contextmanager
def _saving(person: Person, method: str) -> Iterator[None]:
    """Do something that changes a todo, and see that the change was accepted."""

    def changes(response: Response) -> bool:
        return response.request.method == method and "/tasks" in response.url

    with person.page.expect_response(changes) as caught:
        yield
    said = caught.value
    assert said.ok, f"{method} {said.url} was answered with {said.status}: {said.text()[:300]}"


@given("a person who opens it in a browser", target_fixture="person")
def opens(browser_visit: Visit) -> Person:
    page = browser_visit.page
    page.goto("/")
    return Person(page, browser_visit.errors)


@when("the person signs up")
def signs_up(person: Person) -> None:
    page = person.page
    page.goto("/sign-up")
    page.get_by_label("Name", exact=True).fill("A Person")
    page.get_by_label("Email", exact=True).fill(person.email)
    page.get_by_label("Password", exact=True).fill(person.password)
    page.get_by_role("button", name="Create account").click()
    _expect(page.get_by_label("New task")).to_be_visible()


@when("the person signs in again")
def signs_in(person: Person) -> None:
    page = person.page
    page.goto("/sign-in")
    page.get_by_label("Email", exact=True).fill(person.email)
    page.get_by_label("Password", exact=True).fill(person.password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    _expect(page.get_by_label("New task")).to_be_visible()


@when("signs out")
def signs_out(person: Person) -> None:
    person.page.get_by_role("button", name="Sign out").click()
    _expect(person.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


@then("the todos are out of sight")
def out_of_sight(person: Person) -> None:
    person.page.goto("/")
    _expect(person.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    _expect(person.tasks).to_have_count(0)


@when(parsers.parse('adds the todo "{title}"'))
def adds(person: Person, title: str) -> None:
    person.page.get_by_label("New task").fill(title)
    with _saving(person, "POST"):
        person.page.get_by_role("button", name="Add task").click()
    person.sees_todo(title)


@when(parsers.parse('the person completes "{title}"'))
def completes(person: Person, title: str) -> None:
    with _saving(person, "PUT"):
        person.checkbox(title).check()


@when(parsers.parse('renames "{old}" to "{new}"'))
def renames(person: Person, old: str, new: str) -> None:
    page = person.page
    page.get_by_role("button", name=f"Edit: {old}", exact=True).click()
    page.get_by_role("textbox", name="Title").fill(new)
    with _saving(person, "PUT"):
        page.get_by_role("button", name="Save").click()
    person.sees_todo(new)


@when(parsers.parse('the person deletes "{title}"'))
def deletes(person: Person, title: str) -> None:
    with _saving(person, "DELETE"):
        person.page.get_by_role("button", name=f"Delete: {title}", exact=True).click()
    _expect(person.checkbox(title)).to_have_count(0)


@when("reloads the page")
def reloads(person: Person) -> None:
    person.page.reload()
    _expect(person.page.get_by_label("New task")).to_be_visible()


@then(parsers.re('the list shows "(?P<first>[^"]+)" and "(?P<second>[^"]+)"'))
def shows_two(person: Person, first: str, second: str) -> None:
    person.sees_todo(first)
    person.sees_todo(second)


@then(parsers.re('the list shows "(?P<title>[^"]+)"'))
def shows(person: Person, title: str) -> None:
    person.sees_todo(title)


@then(parsers.re('the list shows "(?P<title>[^"]+)" only'))
def shows_only(person: Person, title: str) -> None:
    person.sees_todo(title)
    _expect(person.tasks).to_have_count(1)


@then(parsers.parse('"{title}" is completed'))
def is_completed(person: Person, title: str) -> None:
    _expect(person.checkbox(title)).to_be_checked()


@then("the database holds exactly these todos of the person")
def in_database(person: Person, database: Database, evidence: Evidence) -> None:
    boxes = person.page.get_by_role("checkbox", name=re.compile("^Complete: "))
    names = boxes.evaluate_all("boxes => boxes.map(b => b.ariaLabel || b.labels[0].textContent)")
    shown = sorted(name.strip().removeprefix("Complete: ") for name in names)
    rows = database.query.rows(
        'SELECT task.title FROM task JOIN "user" ON "user".id = task.user_id'
        ' WHERE "user".email = %s ORDER BY task.title',
        (person.email,),
    )
    stored = [title for (title,) in rows]
    assert stored == shown, f"the page shows {shown}, the database holds {stored}"
    evidence.facts("call", call("outside", "frontend", "used in a browser"))
    evidence.facts("call", call("backend", "database", "a person's todos are in it"))
    evidence.facts("call", call("frontend", "database", "the person's account is in it"))


@then("the page has reported no error")
def no_errors(person: Person) -> None:
    assert not person.errors, "the browser's console says:\n" + "\n".join(person.errors)


@when(parsers.parse('asks the assistant "{message}"'))
def asks(person: Person, message: str) -> None:
    page = person.page
    page.get_by_role("button", name="Assistant").click()
    page.get_by_role("textbox", name="Message").fill(message)
    with page.expect_response(lambda r: r.url.endswith("/chat"), timeout=60_000):
        page.get_by_role("button", name="Send").click()


@then("the assistant answers")
def answers(person: Person, evidence: Evidence) -> None:
    _expect(person.page.get_by_role("log")).to_contain_text(re.compile("milk", re.IGNORECASE))
    evidence.facts("call", call("backend", "cohere", "the assistant answers in the browser"))


@then(parsers.parse('the list shows a todo about "{word}"'))
def shows_about(person: Person, word: str) -> None:
    _expect(person.tasks.filter(has_text=re.compile(word, re.IGNORECASE))).to_have_count(1)
