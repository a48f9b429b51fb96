"""A chat request, checked as the real service checks it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

_ROLES = ("user", "assistant", "system", "developer", "tool")
_TOOL_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,256}$")


class Refused(Exception):
    """A request that is answered with an error status and a message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(frozen=True)
class Tool:
    """A function that the client offers. `parameters` is a JSON schema."""

    name: str
    description: str
    parameters: dict[str, Any]

    @property
    def properties(self) -> dict[str, dict[str, Any]]:
        found = self.parameters.get("properties")
        return found if isinstance(found, dict) else {}

    @property
    def required(self) -> list[str]:
        found = self.parameters.get("required")
        return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


@dataclass(frozen=True)
class Call:
    """A tool call: by the assistant of an earlier message, or decided now."""

    name: str
    arguments: dict[str, Any]
    id: str = ""


@dataclass(frozen=True)
class Message:
    role: str
    text: str
    calls: tuple[Call, ...] = ()
    call_id: str | None = None
    result: tuple[Any, ...] = ()


@dataclass(frozen=True)
class ChatRequest:
    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    stream: bool = False
    choice: str | None = None
    words: int = field(default=0)

    @classmethod
    def read(cls, body: bytes) -> ChatRequest:
        """Read a body; what the real service refuses is refused."""
        try:
            data = json.loads(body)
        except ValueError:
            raise Refused(400, "invalid request: the body is not JSON") from None
        if not isinstance(data, dict):
            raise Refused(400, "invalid request: the body is not an object")
        model = data.get("model")
        if not isinstance(model, str) or not model:
            raise Refused(400, "invalid request: model is required")
        raw = data.get("messages")
        if not isinstance(raw, list) or not raw:
            raise Refused(400, "invalid request: messages must have at least one entry")
        messages = tuple(_message(number, one) for number, one in enumerate(raw))
        _check_results(messages)
        if messages[-1].role not in ("user", "tool"):
            raise Refused(400, "invalid request: the last message must be of role user or tool")
        choice = data.get("tool_choice")
        if choice not in (None, "REQUIRED", "NONE"):
            raise Refused(400, "invalid request: tool_choice must be REQUIRED or NONE")
        tools = tuple(_tool(number, one) for number, one in enumerate(data.get("tools") or ()))
        if choice == "REQUIRED" and not tools:
            raise Refused(400, "invalid request: tool_choice REQUIRED needs tools")
        return cls(
            model=model,
            messages=messages,
            tools=tools,
            stream=data.get("stream") is True,
            choice=choice,
            words=sum(len(message.text.split()) for message in messages),
        )


def _message(number: int, raw: object) -> Message:
    where = f"invalid request: messages[{number}]"
    if not isinstance(raw, dict) or raw.get("role") not in _ROLES:
        raise Refused(400, f"{where}: role must be one of {', '.join(_ROLES)}")
    role, content = raw["role"], raw.get("content")
    calls = tuple(_call(where, one) for one in raw.get("tool_calls") or ())
    if calls and role != "assistant":
        raise Refused(400, f"{where}: only an assistant message may have tool_calls")
    if not content and not calls and role != "tool":
        raise Refused(400, f"{where}: content must not be empty")
    call_id = raw.get("tool_call_id")
    if role == "tool" and not isinstance(call_id, str):
        raise Refused(400, f"{where}: tool_call_id is required")
    texts = _texts(where, content)
    results = tuple(_loaded(text) for text in texts) if role == "tool" else ()
    return Message(role, "\n".join(texts), calls, call_id if role == "tool" else None, results)


def _texts(where: str, content: object) -> list[str]:
    """Return the texts of a content: a string, or a list of text and document parts."""
    if content is None:
        return []
    if isinstance(content, str):
        return [content]
    if not isinstance(content, list):
        raise Refused(400, f"{where}: content must be a string or a list")
    found = []
    for part in content:
        if not isinstance(part, dict):
            raise Refused(400, f"{where}: content holds something that is no object")
        if part.get("type") == "text" and isinstance(part.get("text"), str):
            found.append(part["text"])
        elif part.get("type") == "document" and isinstance(part.get("document"), dict):
            data = part["document"].get("data", "")
            found.append(data if isinstance(data, str) else json.dumps(data))
        elif part.get("type") not in ("image_url", "thinking"):
            raise Refused(400, f"{where}: content part of unknown type {part.get('type')!r}")
    return found


def _call(where: str, raw: object) -> Call:
    function = raw.get("function") if isinstance(raw, dict) else None
    if not isinstance(raw, dict) or not isinstance(raw.get("id"), str) or not isinstance(function, dict):
        raise Refused(400, f"{where}: a tool call needs id and function")
    arguments = _loaded(function.get("arguments") or "{}")
    if not isinstance(arguments, dict):
        raise Refused(400, f"{where}: the arguments of a tool call must be a JSON object")
    return Call(str(function.get("name")), arguments, raw["id"])


def _tool(number: int, raw: object) -> Tool:
    function = raw.get("function") if isinstance(raw, dict) else None
    if not isinstance(raw, dict) or raw.get("type") != "function" or not isinstance(function, dict):
        raise Refused(400, f"invalid request: tools[{number}] must be of type function")
    name = function.get("name")
    if not isinstance(name, str) or not _TOOL_NAME.match(name):
        raise Refused(400, f"invalid request: tools[{number}]: not a valid function name")
    parameters = function.get("parameters")
    if not isinstance(parameters, dict):
        raise Refused(400, f"invalid request: tools[{number}]: parameters must be a JSON schema")
    return Tool(name, str(function.get("description") or ""), parameters)


def _check_results(messages: tuple[Message, ...]) -> None:
    called: set[str] = set()
    for message in messages:
        called |= {call.id for call in message.calls}
        if message.role == "tool" and message.call_id not in called:
            raise Refused(400, f"invalid request: no tool call has the id {message.call_id!r}")


def _loaded(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
