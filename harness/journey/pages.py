"""What a page of HTML shows, and what its forms send along without being filled in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

_NOT_SHOWN = ("script", "style", "template", "head", "title")


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes:
        text: what it shows, each run of white space as one space.
        hidden: by the path that a form is sent to, the fields that it has hidden.

    """

    text: str
    hidden: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)


def read(html: str, address: str) -> Page:
    """Return a page.

    Args:
        html: as it was answered; what is no HTML is text.
        address: of the page, to which the addresses of its forms are relative.

    """
    reader = _Reader(address)
    reader.feed(html)
    reader.close()
    return Page(re.sub(r"\s+", " ", "".join(reader.text)).strip(), reader.hidden)


class _Reader(HTMLParser):
    """Reads as far as the HTML can be read; it need not be whole."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.text: list[str] = []
        self.hidden: dict[str, dict[str, str]] = {}
        self._address = address
        self._form: dict[str, str] | None = None
        self._unseen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        hidden = tag == "input" and given.get("type", "").lower() == "hidden"
        if tag in _NOT_SHOWN:
            self._unseen.append(tag)
        elif tag == "body":
            self._unseen.clear()
        elif tag == "form":
            path = urlsplit(urljoin(self._address, given.get("action", ""))).path or "/"
            self._form = self.hidden.setdefault(path, {})
        elif hidden and self._form is not None:
            self._form[given.get("name", "")] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if self._unseen and tag == self._unseen[-1]:
            self._unseen.pop()
        elif tag == "form":
            self._form = None

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.text.append(data)
