"""What a record was made by and on."""

from __future__ import annotations

import platform
from importlib import metadata

from harness.record.messages import PROTOCOL, Message


def meta(implementation: str) -> Message:
    """Return the first message of a record.

    Args:
        implementation: the package that carries scenarios out.

    """
    uname = platform.uname()
    told = {
        "protocolVersion": PROTOCOL,
        "implementation": {"name": implementation, "version": metadata.version(implementation)},
        "runtime": {
            "name": platform.python_implementation(),
            "version": platform.python_version(),
        },
        "os": {"name": uname.system, "version": uname.release},
        "cpu": {"name": uname.machine},
    }
    return {"meta": told}
