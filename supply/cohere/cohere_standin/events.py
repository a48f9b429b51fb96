"""The answer, whole or as a stream of events."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

from cohere_standin.request import ChatRequest
from cohere_standin.rules import Decision


def reply(request: ChatRequest, decision: Decision) -> dict[str, Any]:
    """Return the body of a chat answer."""
    message: dict[str, Any] = {"role": "assistant"}
    if decision.calls:
        message["tool_plan"] = decision.text
        message["tool_calls"] = [
            {
                "id": f"{call.name}_{uuid.uuid4().hex[:12]}",
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
            }
            for call in decision.calls
        ]
    else:
        message["content"] = [{"type": "text", "text": decision.text}]
    units = {"input_tokens": request.words, "output_tokens": len(decision.text.split())}
    return {
        "id": str(uuid.uuid4()),
        "finish_reason": "TOOL_CALL" if decision.calls else "COMPLETE",
        "message": message,
        "usage": {"billed_units": units, "tokens": units},
    }


def stream(whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the events that make up an answer."""
    message = whole["message"]
    yield {
        "type": "message-start",
        "id": whole["id"],
        "delta": {"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": []}},
    }
    for word in _words(message.get("tool_plan", "")):
        yield {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": word}}}
    for index, call in enumerate(message.get("tool_calls", ())):
        function = call["function"]
        start = call | {"function": {"name": function["name"], "arguments": ""}}
        yield {"type": "tool-call-start", "index": index, "delta": {"message": {"tool_calls": start}}}
        part = {"function": {"arguments": function["arguments"]}}
        yield {"type": "tool-call-delta", "index": index, "delta": {"message": {"tool_calls": part}}}
        yield {"type": "tool-call-end", "index": index}
    for index, content in enumerate(message.get("content", ())):
        empty = {"type": "text", "text": ""}
        yield {"type": "content-start", "index": index, "delta": {"message": {"content": empty}}}
        for word in _words(content["text"]):
            delta = {"message": {"content": {"text": word}}}
            yield {"type": "content-delta", "index": index, "delta": delta}
        yield {"type": "content-end", "index": index}
    yield {
        "type": "message-end",
        "id": whole["id"],
        "delta": {"finish_reason": whole["finish_reason"], "usage": whole["usage"]},
    }


def _words(text: str) -> list[str]:
    return [word if not number else f" {word}" for number, word in enumerate(text.split(" "))] if text else []
