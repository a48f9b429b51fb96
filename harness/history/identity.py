"""What scenarios are called in every run, whatever their ids and lines are in one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from harness.history.model import Identity
from harness.record.messages import Message


def identities(messages: Iterable[Message]) -> dict[str, Identity]:
    """Return the identity of each scenario by the id of its pickle.

    Args:
        messages: of a record, or of `harness.record.documents.read_document`.

    """
    messages = list(messages)
    examples: dict[str, str] = {}
    for message in messages:
        if "gherkinDocument" in message:
            examples |= _rows(message["gherkinDocument"].get("feature") or {})
    found: dict[str, Identity] = {}
    count: Counter[Identity] = Counter()
    for pickle in (message["pickle"] for message in messages if "pickle" in message):
        nodes = pickle.get("astNodeIds") or ()
        example = next((examples[node] for node in nodes if node in examples), "")
        identity = Identity(str(pickle.get("uri") or ""), str(pickle.get("name") or ""), example)
        count[identity] += 1
        if (number := count[identity]) > 1:
            told = f"{example} #{number}".strip()
            identity = Identity(identity.feature, identity.name, told)
        found[str(pickle.get("id"))] = identity
    return found


def _rows(part: Message) -> Iterator[tuple[str, str]]:
    """Yield the id of each row of examples, and its values."""
    for child in part.get("children") or ():
        for inner in child.values():
            for examples in inner.get("examples") or ():
                for row in examples.get("tableBody") or ():
                    cells = (str(cell.get("value", "")) for cell in row.get("cells") or ())
                    yield str(row.get("id")), ", ".join(cells)
            yield from _rows(inner)
