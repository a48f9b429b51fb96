"""Which database programs are given, and which one a chart has itself."""

from __future__ import annotations

import json
import posixpath
import re
from typing import Any

from harness.contract.code import DATABASE_NAME
from harness.contract.rendering import Rendering
from harness.inference.known import Known
from harness.inference.probing import Probed
from harness.inference.running import POSTGRES, images_of

_SOURCES = (".js", ".mjs", ".cjs", ".ts", ".mts", ".jsx", ".tsx")
#: How programs have pg take `sslmode=require` as everybody else does.
_LAX = re.compile(r"rejectUnauthorized|no-verify|useLibpqCompat", re.IGNORECASE)
_URL = re.compile(r"(UR[LI]|DSN)$", re.IGNORECASE)
_SQL = re.compile(r"postgres(ql)?(\+\w+)?:", re.IGNORECASE)


def describe_database(known: Known) -> None:
    """Tell by which variable programs are given a PostgreSQL, if they have one."""
    found: dict[str, tuple[str, Any]] = {}
    for name, (image, _) in known.pairs.items():
        for setting in image.main.settings if image else ():
            url = _SQL.match(setting.value or "")
            if url or (DATABASE_NAME.search(setting.name) and _URL.search(setting.name)):
                read = known.codes[name].read(setting.name)
                found.setdefault(
                    setting.name, (f"the chart gives it to {name}", read.place if read else None)
                )
    for name, code in known.codes.items():
        for each in code.reads:
            if DATABASE_NAME.search(each.name) and _URL.search(each.name):
                found.setdefault(each.name, (f"the code of {name} reads it", each.place))
    if not found:
        parts = sorted(
            {
                r.name
                for code in known.codes.values()
                for r in code.reads
                if DATABASE_NAME.search(r.name)
            }
        )
        if parts:
            known.facts.remark(
                f"the code takes its database in parts ({', '.join(parts[:4])}), not as one URL, "
                "so that no database can be given from outside: [database] is left out"
            )
        return
    variable = min(found, key=lambda name: (name != "DATABASE_URL", list(found).index(name)))
    why, place = found[variable]
    known.facts.add("database", "env", value=variable, why=why, place=place)
    for name in known.codes:
        if _asks_authorities(known, name):
            why = f"{name} uses pg, which trusts a certificate of a public authority only"
            known.facts.add("database", "tls", value="offered", why=why)
            break


def _asks_authorities(known: Known, image: str) -> bool:
    """Say whether the driver of a program refuses the certificate of a server of our own."""
    context = str(known.facts.get("images", image, "context") or ".")
    try:
        told = json.loads(known.folder.text(posixpath.join(context, "package.json")) or "{}")
    except (ValueError, RecursionError):
        return False
    if not isinstance(told, dict) or "pg" not in (told.get("dependencies") or {}):
        return False
    sources = (
        file
        for file in known.files
        if file.endswith(_SOURCES) and (context == "." or file.startswith(f"{context}/"))
    )
    return not any(_LAX.search(known.folder.text(file)) for file in sources)


def inside(known: Known, rendering: Rendering, probed: Probed) -> Any:
    """Return the PostgreSQL that a rendering has in the cluster."""
    own = {id(image) for image, _ in known.pairs.values() if image}
    for image in images_of(rendering, probed):
        if id(image) not in own and POSTGRES.search(image.repository):
            return image
    return None


def describe_server(known: Known, image: Any, why: str) -> None:
    """Write down image and name of a database in the cluster."""
    tag = image.tag or "17"
    repository = image.repository
    if re.fullmatch(r"[\w./-]+", repository) and re.fullmatch(r"[\w.-]+", tag):
        known.facts.add("database", "image", value=f"{repository}:{tag}", why=why)
    for setting in image.main.settings:
        if setting.name in ("POSTGRES_DB", "POSTGRESQL_DATABASE") and re.fullmatch(
            r"[a-z_][a-z0-9_]{0,62}", setting.value or ""
        ):
            known.facts.add("database", "name", value=setting.value, why=f"{why}, with this name")
