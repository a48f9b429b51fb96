"""The page of the options: `harness/options.py` as a table."""

from __future__ import annotations

from harness.options import OPTIONS, Option
from reference.table import code, table

_ABOUT = """\
Each option has a variable of the same meaning; the option wins over the variable, that over the
default. A value that cannot be ends the run before anything is built, with the place it came from.
Relative paths start at the folder of `pytest.ini`.
"""
_SECRETS = """\
## Secrets

Secrets are taken from the environment alone: an option would show in the list of processes. Which
variables an application needs stands in its `deploy.toml`, in `[database]` and `[secrets]`. The
variables of [databases](../databases.md) and of [plain language](../plain-language.md) are told
there.
"""


def page() -> str:
    """Return the page."""
    rows = [_row(option) for option in sorted(OPTIONS, key=lambda option: option.name)]
    head = ("option, and its variable", "meaning")
    return f"# Options\n\n{_ABOUT}\n{table(head, rows)}\n\n{_SECRETS}"


def _row(option: Option) -> tuple[str, ...]:
    default = f". Default: {code(option.default)}" if option.default else ""
    return f"{code(option.flag)}<br>{code(option.variable)}", _sentence(option.help) + default


def _sentence(text: str) -> str:
    return text.replace("<", "&lt;").replace("*", "\\*")
