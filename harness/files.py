"""Files that are there as a whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(file: Path, text: str, mode: int = 0o644) -> None:
    """Put a text in the place of a file, in a folder that is there; a link is not followed.

    Whoever reads it meanwhile sees the old text or the new one; nothing half-made stays.

    Raises:
        OSError: it cannot be written.

    """
    handle, temporary = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(temporary).chmod(mode)
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
