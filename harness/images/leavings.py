"""What a build that was ended has left in the engine: the layers of the steps before."""

from __future__ import annotations

import contextlib
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from harness.kube.state import parse_time

if TYPE_CHECKING:
    from harness.images.dockerfile import Dockerfile
    from harness.supply.engine import Engine

_SHELL = "/bin/sh -c "
_FLAGS = re.compile(r"^(--\S+ )+")


def remove_layers(engine: Engine, dockerfile: Dockerfile, since: datetime) -> int:
    """Remove the layers that steps of a Dockerfile have made since a time; return their bytes.

    Those that something else uses stay, and so does whatever is of another build.
    """
    from docker.errors import APIError

    commands = [_plain(one.rest) for one in dockerfile.instructions if one.word == "RUN"]
    api, bytes_ = engine.sdk().api, 0
    for entry in reversed(engine.sdk().df().get("BuildCache") or []):
        made = parse_time(str(entry.get("CreatedAt") or ""))
        told = _plain(str(entry.get("Description") or "").partition(_SHELL)[2])
        ours = any(command and command in told for command in commands)
        if ours and made is not None and made >= since and not entry.get("InUse"):
            with contextlib.suppress(APIError):
                filters: Any = {"id": [entry["ID"]]}
                done: dict[str, Any] = api.prune_builds(filters=filters, all=True)
                bytes_ += int(done.get("SpaceReclaimed") or 0)
    return bytes_


def _plain(command: str) -> str:
    """Return a command without what is for BuildKit, such as `--mount=…`, on one line."""
    return _FLAGS.sub("", " ".join(command.replace("\\\n", " ").split()))
