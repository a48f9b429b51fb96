"""The models that the stand-in goes by."""

from __future__ import annotations

from cohere_standin.request import Refused

_NAMES = ("command-a-03-2025", "command-r-plus-08-2024", "command-r-08-2024", "command-r7b-12-2024")
_FAMILY = "command"


def _describe(name: str) -> dict[str, object]:
    return {
        "name": name,
        "endpoints": ["chat"],
        "default_endpoints": [],
        "finetuned": False,
        "is_deprecated": False,
        "context_length": 128000,
        "features": ["tools", "tool_choice"],
    }


def all_models() -> list[dict[str, object]]:
    """Return the listed models."""
    return [_describe(name) for name in _NAMES]


def one(name: str) -> dict[str, object]:
    """Return a model; every name of the chat family is known, newer ones too."""
    if not name.startswith(_FAMILY):
        raise Refused(404, f"model '{name}' not found, make sure the correct model ID was used")
    return _describe(name)
