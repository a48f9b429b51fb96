"""The life of one thing that an application keeps: created, read, changed, deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from harness.journey.account import Account, Credential
from harness.journey.errors import NotProvableError, StepFailedError
from harness.journey.interface import Interface, Person, nobody
from harness.journey.signing import open_account
from harness.journey.visitor import Visitor

_LOGIN = (401, 403)
_REFUSED = (400, 415, 422)
_GONE = (404, 410)
_ANOTHER = (404, 422)  # where an id of somebody may be another of theirs
_IDS = 3  # of somebody, that are tried


@dataclass
class Life:
    """One thing of the resource that an interface offers.

    Args:
        elsewhere: visitors at other addresses, where accounts may be had, the public one first.

    Attributes:
        sent: what it was last said to be.
        account: whose it is, None where nobody is asked for one.
        credential: what each request carries of the login.
        turn: which of the ids of the account is the one in the path.
        at: who goes on with what was created: at the public address, where that leads to it.

    """

    visitor: Visitor
    interface: Interface
    elsewhere: Sequence[Visitor] = ()
    id: object = None
    sent: Any = None
    account: Account | None = None
    credential: Credential = field(default_factory=Credential)
    turn: int = 0
    at: Visitor = field(init=False)
    _made: int = field(default=0, init=False)
    _none: NotProvableError | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.at = self.visitor

    @property
    def visitors(self) -> list[Visitor]:
        """At all addresses, that of the document first."""
        return [self.visitor, *self.elsewhere]

    def create(self) -> None:
        """Create it, as somebody with an account where that is asked for.

        What cannot be tried is followed by the next of the interface.

        Raises:
            NotProvableError: nothing can be tried; one line for each that is offered.
            StepFailedError: it is not answered as it should.

        """
        reasons: dict[str, NotProvableError] = {}
        for interface in self.interface.choices():
            self.interface = interface
            try:
                return self._create()
            except NotProvableError as error:
                reasons[interface.resource.collection] = error
        raise NotProvableError.together(reasons, self._none)

    def _create(self) -> None:
        resource = self.interface.resource
        if not resource.login and not resource.personal:
            self.credential = Credential()
            answer = self.post()
            if answer.status_code not in _LOGIN:
                return self._created(answer)
        refused: httpx.Response | None = None
        for credential, turn in self._ways(self._opened()):
            self.credential, self.turn = credential, turn
            answer = self.post()
            if answer.status_code not in (*_LOGIN, *(_ANOTHER if resource.personal else ())):
                return self._created(answer)
            if refused is None or answer.status_code not in _LOGIN:
                refused = answer
        if refused is None:
            raise self._not_known("its login gives nothing that later requests could carry")
        if refused.status_code in _LOGIN:
            told = self.visitor.told(refused)
            raise self._not(f"it needs a login, and does not take what it gave\n{told}", refused)
        return self._created(refused)

    def _ways(self, account: Account) -> Iterator[tuple[Credential, int]]:
        turns = _IDS if self.interface.resource.personal else 1
        for credential in account.credentials(self.interface.schemes()):
            paths = set[str]()
            for turn in range(turns):
                path = self.interface.path("post", None, self._person(account, turn))
                if path not in paths:
                    paths.add(path)
                    yield credential, turn

    def _opened(self) -> Account:
        """Return the account, opened where there is none yet."""
        if self._none is not None:
            raise self._none
        if self.account is None:
            try:
                self.account = open_account(self.interface.document, self.visitors)
            except NotProvableError as error:
                self._none = error
                raise
        return self.account

    def _created(self, answer: httpx.Response) -> None:
        if answer.status_code in _REFUSED:
            why = f"the example made of its schema is refused\n{self.visitor.told(answer)}"
            raise self._not(why, answer)
        self._succeeded("creates something", answer)
        self.id = self._id(answer)
        self._go_through_all()

    def _go_through_all(self) -> None:
        """Go on at the public address, where the same is there too."""
        for visitor in self.elsewhere:
            try:
                answer = self.send(visitor, "get", "reads it", self.credential)
            except StepFailedError:
                continue
            found = _json(answer)
            if answer.is_success and isinstance(found, Mapping) and self.id in found.values():
                self.at = visitor
                return

    def read(self) -> None:
        """See that it is what it was said to be. Raises StepFailedError."""
        answer = self._ask("reads it", "get")
        self._succeeded("reads it", answer)
        found = _json(answer)
        if not isinstance(found, Mapping) or not isinstance(self.sent, Mapping):
            raise self._content("reads it", "an object in JSON", answer)
        # A secret need not be told again, and some names are the answer's own.
        told = {name: value for name, value in self.sent.items() if name in found}
        if self.sent and not told:
            raise self._content("reads it", f"one of {', '.join(self.sent)}", answer)
        for name, value in told.items():
            if found[name] != value:
                raise self._content("reads it", f"{name} to be {value!r}", answer)

    def change(self) -> None:
        """Change it. Raises NotProvableError where that is not offered, StepFailedError."""
        offered = self.interface.resource.operations
        method = next((m for m in ("put", "patch") if m in offered), "")
        if not method:
            raise self._not_offered("changed")
        body = self.body(method)
        answer = self._ask("changes it", method, body)
        if answer.status_code in _REFUSED:
            why = f"the example made of its schema is refused\n{self.visitor.told(answer)}"
            raise self._not(why, answer)
        self._succeeded("changes it", answer)
        if isinstance(self.sent, Mapping) and isinstance(body, Mapping):
            self.sent = {**self.sent, **body}

    def delete(self) -> None:
        """Delete it. Raises NotProvableError where that is not offered, StepFailedError."""
        if "delete" not in self.interface.resource.operations:
            raise self._not_offered("deleted")
        self._succeeded("deletes it", self._ask("deletes it", "delete"))

    def is_gone(self) -> None:
        """See that it is no longer there. Raises StepFailedError."""
        answer = self._ask("reads what was deleted", "get")
        if answer.status_code not in _GONE:
            raise self._status("reads what was deleted", "404 or 410", answer)

    def post(self) -> httpx.Response:
        """Ask for it to be created."""
        self.sent = self.body("post")
        return self.send(self.visitor, "post", "creates something", self.credential, self.sent)

    def body(self, method: str) -> Any:
        """Return what a request says, new each time."""
        self._made += 1
        unique = f"{self.visitor.kept['unique']}{self._made}"
        return self.interface.body(method, unique, self.person())

    def person(self) -> Person:
        """Return what stands for whose it is."""
        return nobody if self.account is None else self._person(self.account, self.turn)

    def send(
        self,
        visitor: Visitor,
        method: str,
        says: str,
        credential: Credential,
        body: Any = None,
        person: Person | None = None,
    ) -> httpx.Response:
        """Send a request about it, as whoever is given. Raises StepFailedError."""
        person = person or self.person()
        query, headers = self.interface.demanded(method, visitor.kept["unique"], person)
        path = self.interface.path(method, self.id, person)
        return visitor.send(
            f"the visitor {says}",
            method.upper(),
            path,
            json=body,
            params={**query, **credential.params} or None,
            headers={**headers, **credential.headers},
        )

    def _ask(self, says: str, method: str, body: Any = None) -> httpx.Response:
        """Send a request as whose it is, once more where the login has ended."""
        answer = self.send(self.at, method, says, self.credential, body)
        if answer.status_code == 401 and self.account is not None:
            known = self.account.credentials(self.interface.schemes())
            self.account = self.account.renew()
            renewed = self.account.credentials(self.interface.schemes())
            if self.credential in known and renewed:
                self.credential = renewed[min(known.index(self.credential), len(renewed) - 1)]
                answer = self.send(self.at, method, says, self.credential, body)
        return answer

    def _person(self, account: Account, turn: int) -> Person:
        def stands(name: str, schema: Mapping[str, Any]) -> object:
            value = account.value(name, schema, turn)
            if value is None and f"{{{name}}}" in self.interface.resource.collection:
                raise self._not_known(f"nothing that its login gave stands for {name}")
            return value

        return stands

    def _id(self, answer: httpx.Response) -> object:
        found, name = _json(answer), self.interface.resource.name
        if isinstance(found, Mapping):
            for key in (name, "id", "_id", "uuid", "key", "slug"):
                if isinstance(found.get(key), str | int):
                    return found[key]
        if place := answer.headers.get("location", "").rstrip("/"):
            return place.rpartition("/")[2]
        raise self._not(f"the answer has neither {name} nor id nor a Location", answer)

    def _succeeded(self, says: str, answer: httpx.Response) -> None:
        if not answer.is_success:
            raise self._status(says, "from 200 to 299", answer)

    def _status(self, says: str, wanted: str, answer: httpx.Response) -> StepFailedError:
        seen, asked = self.visitor.told(answer), self.visitor.asked(answer)
        return StepFailedError.status(f"the visitor {says}", wanted, seen, asked)

    def _content(self, says: str, wanted: str, answer: httpx.Response) -> StepFailedError:
        seen, asked = self.visitor.told(answer), self.visitor.asked(answer)
        wanted = self.visitor.redact(wanted)
        return StepFailedError.content(f"the visitor {says}", wanted, seen, asked)

    def _not(self, why: str, answer: httpx.Response) -> NotProvableError:
        asked = self.visitor.asked(answer)
        return NotProvableError("an application that keeps things", why, asked)

    def _not_known(self, why: str) -> NotProvableError:
        looked = self.interface.resource.collection
        return NotProvableError("an application that keeps things", why, looked)

    def _not_offered(self, what: str) -> NotProvableError:
        why, looked = "its document offers no such request", self.interface.resource.item
        return NotProvableError(f"something that can be {what}", why, looked)


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None
