"""The life of one thing that an application keeps: created, read, changed, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from harness.journey.errors import NotProvableError, StepFailedError
from harness.journey.interface import Interface
from harness.journey.visitor import Visitor

_LOGIN = (401, 403)
_REFUSED = (400, 415, 422)
_GONE = (404, 410)


@dataclass
class Life:
    """One thing of the resource that an interface offers.

    Attributes:
        sent: what it was last said to be.

    """

    visitor: Visitor
    interface: Interface
    id: object = None
    sent: Any = None
    _made: int = field(default=0, init=False)

    def create(self) -> None:
        """Create it. Raises NotProvableError, StepFailedError."""
        path = self.interface.prefix + self.interface.resource.collection
        self.sent = self._body("post")
        answer = self._try("creates something", "POST", path, self.sent)
        self.id = self._id(answer)

    def read(self) -> None:
        """See that it is what it was said to be. Raises StepFailedError."""
        answer = self._ask("reads it", "GET")
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
        body = self._body(method)
        path = self.interface.prefix + self.interface.resource.place(self.id)
        self._try("changes it", method.upper(), path, body)
        if isinstance(self.sent, Mapping) and isinstance(body, Mapping):
            self.sent = {**self.sent, **body}

    def delete(self) -> None:
        """Delete it. Raises NotProvableError where that is not offered, StepFailedError."""
        if "delete" not in self.interface.resource.operations:
            raise self._not_offered("deleted")
        self._succeeded("deletes it", self._ask("deletes it", "DELETE"))

    def is_gone(self) -> None:
        """See that it is no longer there. Raises StepFailedError."""
        answer = self._ask("reads what was deleted", "GET")
        if answer.status_code not in _GONE:
            raise self._status("reads what was deleted", "404 or 410", answer)

    def _ask(self, says: str, method: str, body: Any = None) -> httpx.Response:
        path = self.interface.prefix + self.interface.resource.place(self.id)
        return self.visitor.send(says, method, path, json=body)

    def _try(self, says: str, method: str, path: str, body: Any) -> httpx.Response:
        answer = self.visitor.send(says, method, path, json=body)
        if answer.status_code in _LOGIN:
            why = f"it needs a login, which its document does not say\n{self.visitor.told(answer)}"
            raise self._not(why, answer)
        if answer.status_code in _REFUSED:
            why = f"the example made of its schema is refused\n{self.visitor.told(answer)}"
            raise self._not(why, answer)
        self._succeeded(says, answer)
        return answer

    def _body(self, operation: str) -> Any:
        self._made += 1
        unique = f"{self.visitor.kept['unique']}{self._made}"
        return self.interface.body(operation, unique)

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
        fix = "describe what people do as [[journey]] in deploy.toml"
        asked = self.visitor.asked(answer)
        return NotProvableError("an application that keeps things", why, asked, fix)

    def _not_offered(self, what: str) -> NotProvableError:
        return NotProvableError(
            f"something that can be {what}",
            "its document offers no such request",
            self.interface.resource.item,
            "describe what people do as [[journey]] in deploy.toml",
        )


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None
