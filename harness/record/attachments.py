"""What is attached to the record: short things within it, long ones beside it, said as such."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.record.messages import NAME, Message, strings_changed, timestamp

LOG = "text/x.cucumber.log+plain"
JSON = "application/json"
#: How the file name of a piece of evidence ends; before it stands its kind.
EVIDENCE = ".evidence.json"
#: Characters of text that are kept within the record.
TEXT_MOST = 64_000
#: Bytes of anything else that are kept within the record.
BYTES_MOST = 400_000
FOLDER = "attachments"
_OWNER = re.compile(r"run(\d+)-(?:gw\d+-)?\d+-")


@dataclass
class Attachments:
    """Makes attachments.

    Attributes:
        folder: of the record; what is too long for it is put into a folder there.
        redact: takes secrets out of texts.

    """

    folder: Path
    redact: Callable[[str], str]
    prefix: str = ""
    _put: int = field(default=0, init=False)

    def evidence(self, kind: str, facts: Any) -> Message:
        """Return what was seen, as JSON: `kind` tells a reader what it is."""
        clean = strings_changed(facts, self.redact)
        body = json.dumps(clean, ensure_ascii=False, default=str)
        return self._message(body, JSON, kind + EVIDENCE)

    def text(self, name: str, text: str, media_type: str = LOG) -> list[Message]:
        """Return a text; of a long one the beginning and the end, the whole of it beside."""
        clean = self.redact(text)
        if len(clean) <= TEXT_MOST:
            return [self._message(clean, media_type, name)]
        beside = self._beside(name, clean.encode("utf-8", "replace"))
        half = TEXT_MOST // 2
        said = f"\n… {len(clean) - TEXT_MOST:,} characters are cut; all of it is in {beside} …\n"
        short = clean[:half] + said + clean[-half:]
        return [self._message(short, media_type, name), _external(media_type, beside)]

    def data(self, name: str, data: bytes, media_type: str) -> Message:
        """Return bytes such as a picture's; more than fits into the record goes beside it."""
        if len(data) > BYTES_MOST:
            return _external(media_type, self._beside(name, data))
        body = base64.b64encode(data).decode()
        return self._message(body, media_type, name, encoding="BASE64")

    def _message(
        self, body: str, media_type: str, name: str, encoding: str = "IDENTITY"
    ) -> Message:
        return {
            "attachment": {
                "body": body,
                "contentEncoding": encoding,
                "mediaType": media_type,
                "fileName": name,
                "timestamp": timestamp(time.time()),
            }
        }

    def _beside(self, name: str, data: bytes) -> str:
        folder = self.folder / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        self._put += 1
        plain = re.sub(r"[^\w.-]+", "_", name)[:80]
        file = folder / f"{self.prefix}{self._put}-{plain}"
        file.write_bytes(data)
        return f"{FOLDER}/{file.name}"


def _external(media_type: str, url: str) -> Message:
    told = {"url": url, "mediaType": media_type, "timestamp": timestamp(time.time())}
    return {"externalAttachment": told}


def prefix_of(record: Path) -> str:
    """Return what the names of a record's attachments begin with, or of a worker's part of it."""
    rest = record.stem.removeprefix(Path(NAME).stem).removeprefix("-")
    return f"{'run' if rest[:1].isdigit() else ''}{rest}-" if rest else ""


def owner(name: str) -> int:
    """Return the number of the place whose record an attachment belongs to."""
    found = _OWNER.match(name)
    return int(found[1]) if found else 1


def placed(message: Message, **ids: str) -> Message:
    """Return an attachment that belongs to where the ids say, such as testStepId."""
    return {kind: {**told, **{k: v for k, v in ids.items() if v}} for kind, told in message.items()}
