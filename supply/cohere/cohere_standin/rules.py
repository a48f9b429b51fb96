"""Deciding what to answer: a tool call, the next one after a result, or words."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cohere_standin.language import Wish, understand, words
from cohere_standin.request import Call, ChatRequest, Message, Tool

_MEANS: dict[str, tuple[str, ...]] = {
    "add": ("add", "create", "new", "insert", "make"),
    "list": ("list", "show", "get", "search", "find", "fetch", "read", "query"),
    "complete": ("complete", "finish", "done", "mark", "toggle", "check", "close"),
    "delete": ("delete", "remove", "cancel", "erase"),
    "update": ("update", "edit", "rename", "change", "modify"),
}
_TITLES = ("title", "name", "task", "text", "content", "summary", "subject", "label")
_IDS = ("id", "number", "index", "key")
_ALIKE = 0.6  # least similarity of a phrase and a title that are taken for the same


@dataclass(frozen=True)
class Decision:
    """Words, or tool calls with `text` as the plan."""

    text: str
    calls: tuple[Call, ...] = ()


def decide(request: ChatRequest) -> Decision:
    """Decide by the last user message and what tools have said since."""
    asked = max((n for n, one in enumerate(request.messages) if one.role == "user"), default=-1)
    wish = understand(request.messages[asked].text if asked >= 0 else "")
    turn = request.messages[asked + 1 :]
    made = [(call, _result(turn, call)) for message in turn for call in message.calls]
    tools = () if request.choice == "NONE" else request.tools
    if made:
        return _after(wish, tools, made, request)
    tool = choose(wish.intent, tools)
    if tool is None and request.choice == "REQUIRED":
        tool = choose("list", tools) or tools[0]
    if tool is None:
        return Decision(_small_talk(wish, request.tools))
    return _call(wish, tool, tools, request)


def choose(intent: str | None, tools: tuple[Tool, ...]) -> Tool | None:
    """Return the tool for an intent: by its name first, then by its description."""
    if intent is None:
        return None
    for mean in _MEANS[intent]:
        for tool in tools:
            if mean in words(tool.name):
                return tool
    for tool in tools:
        first = re.findall(r"[a-z]+", tool.description.lower())[:2]
        if any(word.rstrip("s") in _MEANS[intent] for word in first):
            return tool
    return choose("update", tools) if intent == "complete" else None


def _call(wish: Wish, tool: Tool, tools: tuple[Tool, ...], request: ChatRequest) -> Decision:
    arguments, missing = fill(wish, tool, request)
    if missing:
        listing = choose("list", tools)
        if listing and listing is not tool and any(_is_id(name) for name in missing):
            found, lacking = fill(Wish("list", "", None, ""), listing, request)
            if not lacking:
                plan = f"I will look the item up with {listing.name}, then use {tool.name}."
                return Decision(plan, (Call(listing.name, found),))
        what = " and ".join(missing)
        return Decision(f"I can do that, but I need to know the {what}. Which one do you mean?")
    return Decision(f"I will use {tool.name} for this.", (Call(tool.name, arguments),))


def _after(
    wish: Wish, tools: tuple[Tool, ...], made: list[tuple[Call, Any]], request: ChatRequest
) -> Decision:
    tool, names = choose(wish.intent, tools), {call.name for call, _ in made}
    if tool is not None and tool.name not in names:
        item = _wanted(wish.phrase, [result for _, result in made])
        if item is None:
            return Decision(f"I could not find anything called “{wish.phrase}”.")
        arguments, missing = fill(wish, tool, request, item)
        if not missing:
            return Decision(f"I will use {tool.name} for this.", (Call(tool.name, arguments),))
    return Decision(" ".join(_told(call, result) for call, result in made[-1:]))


def fill(
    wish: Wish, tool: Tool, request: ChatRequest, item: dict[str, Any] | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Return the arguments that the schema asks for, and the required ones not known."""
    arguments: dict[str, Any] = {}
    for name, schema in tool.properties.items():
        value = _value(name, schema, wish, tool, item)
        if value is None and name in tool.required:
            value = _mentioned(name, schema, request)
        if value is not None:
            arguments[name] = value
    return arguments, [name for name in tool.required if name not in arguments]


def _value(
    name: str, schema: dict[str, Any], wish: Wish, tool: Tool, item: dict[str, Any] | None
) -> Any:
    kind, parts = _type(schema), words(name)
    if _is_id(name) and not parts & {"user", "owner", "account"}:
        known = next((item[key] for key in item if _is_id(key)), None) if item else wish.number
        return known if known is None or kind != "string" else str(known)
    if isinstance(schema.get("enum"), list):
        said = words(wish.text)
        alike = {"done": "completed", "finished": "completed", "complete": "completed",
                 "open": "pending", "todo": "pending", "incomplete": "pending"}  # fmt: skip
        meant = said | {alike[word] for word in said if word in alike}
        return next((one for one in schema["enum"] if str(one).lower() in meant), None)
    if kind == "boolean":
        return True if wish.intent == "complete" and "complete" in name.lower() else None
    if kind != "string":
        return None
    titled = [one for one in tool.properties if words(one) & set(_TITLES)]
    texts = [one for one, about in tool.properties.items() if _type(about) == "string"]
    if wish.intent == "update":
        return (wish.renamed or None) if name in titled[:1] else None
    if wish.intent != "list" and name in (titled or texts)[:1]:
        return wish.phrase or None
    if "description" in parts and (match := re.search(r"\bdescription:?\s+(.+)$", wish.text, re.I)):
        return match[1].strip(" \"'“”")
    return None


def _mentioned(name: str, schema: dict[str, Any], request: ChatRequest) -> Any:
    """Return a value that an instruction states for this very name, as `user_id: 7`."""
    pattern = re.compile(rf"\b{re.escape(name)}\b[\"'`]?\s*(?:is|=|:)?\s*[\"'`]?([\w.@-]*\w)", re.I)
    for message in request.messages:
        if message.role in ("system", "developer") and (match := pattern.search(message.text)):
            whole = _type(schema) == "integer" and match[1].isdecimal()
            return int(match[1]) if whole else match[1]
    return None


def _type(schema: Any) -> str:
    if not isinstance(schema, dict):
        return ""
    kinds = schema.get("type") or [one.get("type") for one in schema.get("anyOf") or ()]
    if isinstance(kinds, list):
        return str(next((kind for kind in kinds if kind and kind != "null"), ""))
    return str(kinds)


def _is_id(name: str) -> bool:
    return bool(words(name) & set(_IDS)) and not words(name) & {"user", "owner", "account"}


def _result(turn: tuple[Message, ...], call: Call) -> Any:
    found = [part for one in turn if one.call_id == call.id for part in one.result]
    return found[0] if len(found) == 1 else found


def _items(value: Any) -> Iterator[dict[str, Any]]:
    """Yield each object with an id, however deep."""
    if isinstance(value, dict):
        if any(_is_id(key) for key in value):
            yield value
        for inner in value.values():
            yield from _items(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _items(inner)
    elif isinstance(value, str) and value[:1] in ("{", "["):
        try:
            yield from _items(json.loads(value))
        except ValueError:
            return


def _title(item: dict[str, Any]) -> str:
    return next((str(item[key]) for key in item if words(key) & set(_TITLES)), "")


def _wanted(phrase: str, results: list[Any]) -> dict[str, Any] | None:
    def likeness(item: dict[str, Any]) -> float:
        title, wanted = _title(item).lower(), phrase.lower()
        if title and wanted and (title in wanted or wanted in title):
            return 1 + len(title) / (1 + abs(len(title) - len(wanted)))
        return difflib.SequenceMatcher(None, title, wanted).ratio()

    items = list(_items(results))
    best = max(items, key=likeness, default=None)
    return best if best is not None and likeness(best) >= _ALIKE else None


def _told(call: Call, result: Any) -> str:
    """Return a sentence about what a tool did."""
    if isinstance(result, dict) and (wrong := result.get("error") or result.get("detail")):
        return f"That did not work: {wrong}."
    items = list(_items(result))
    if words(call.name) & set(_MEANS["list"]):
        if not items:
            return "There is nothing on your list."
        lines = [f"{n}. {_title(one)}{_state(one)}" for n, one in enumerate(items, 1)]
        return f"You have {len(items)} on your list:\n" + "\n".join(lines)
    about = _title(items[0]) if items else next(iter(map(str, call.arguments.values())), "")
    verb = next((intent for intent, means in _MEANS.items() if words(call.name) & set(means)), "")
    past = {"add": "added", "complete": "completed", "delete": "deleted", "update": "updated"}
    return f"Done, I have {past.get(verb, 'taken care of')} “{about}”."


def _state(item: dict[str, Any]) -> str:
    done = next((item[key] for key in ("completed", "done", "is_completed") if key in item), None)
    return "" if done is None else " (done)" if done else " (open)"


def _small_talk(wish: Wish, tools: tuple[Tool, ...]) -> str:
    able = "; ".join(tool.description.rstrip(".") or tool.name for tool in tools[:6])
    if wish.intent is not None and tools:
        return f"I have no tool to {wish.intent} something. What I can do: {able}."
    if tools:
        return f"Hello! I can help you with this: {able}."
    return "Hello! Tell me what you would like to do, and I will help as far as I can."
