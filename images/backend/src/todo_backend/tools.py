"""The tools that the assistant's model may call: what it is told, and what they do."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from todo_backend.models import DESCRIPTION_MAX, ID_MAX, TITLE_MAX, TaskCreate, TaskRead, TaskUpdate
from todo_backend.tasks import TaskNotFoundError, TaskStore

logger = logging.getLogger(__name__)


class NoArguments(BaseModel):
    """`list_tasks` takes none."""


class CompleteArguments(BaseModel):
    """What `complete_task` takes."""

    task_id: int = Field(ge=1, le=ID_MAX)
    completed: bool = True


def _function(
    name: str, description: str, properties: dict[str, Any], required: list[str]
) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": required}
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    }


DECLARATIONS: list[dict[str, Any]] = [
    _function("list_tasks", "List all tasks of the user, with their ids.", {}, []),
    _function(
        "add_task",
        "Add a task to the user's list.",
        {
            "title": {"type": "string", "description": f"At most {TITLE_MAX} characters."},
            "description": {
                "type": "string",
                "description": f"Details, at most {DESCRIPTION_MAX} characters.",
            },
        },
        ["title"],
    ),
    _function(
        "complete_task",
        "Mark a task as completed, or as open again. Find its id with list_tasks.",
        {
            "task_id": {"type": "integer", "description": "The task's id."},
            "completed": {"type": "boolean", "description": "False to open it again."},
        },
        ["task_id"],
    ),
]


class Toolbox:
    """Runs tool calls for one user, whatever the model asks for."""

    def __init__(self, store: TaskStore, user_id: str) -> None:
        self._store = store
        self._user_id = user_id
        self._tools: dict[str, Callable[[dict[str, Any]], Any]] = {
            "list_tasks": self._list,
            "add_task": self._add,
            "complete_task": self._complete,
        }

    def run(self, name: str, arguments_json: str) -> tuple[dict[str, Any], Any]:
        """Call a tool; return its arguments and its result.

        A wrong call (no such tool, bad arguments, no such task) is no failure of ours: its result
        says so, for the model to try again. A database failure is raised.
        """
        arguments: dict[str, Any] = {}
        try:
            parsed = json.loads(arguments_json or "{}")
            if not isinstance(parsed, dict):
                return arguments, {"error": "the arguments are not a JSON object"}
            arguments = parsed
            tool = self._tools.get(name)
            if tool is None:
                return arguments, {"error": f"there is no tool {name!r}"}
            return arguments, tool(arguments)
        except json.JSONDecodeError:
            return arguments, {"error": "the arguments are not valid JSON"}
        except ValidationError as error:
            problems = [
                f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()
            ]
            return arguments, {"error": "; ".join(problems)}
        except TaskNotFoundError as error:
            return arguments, {"error": str(error)}

    def _list(self, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        NoArguments.model_validate(arguments)
        return [_plain(task) for task in self._store.list(self._user_id)]

    def _add(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return _plain(self._store.add(self._user_id, TaskCreate.model_validate(arguments)))

    def _complete(self, arguments: dict[str, Any]) -> dict[str, Any]:
        wanted = CompleteArguments.model_validate(arguments)
        change = TaskUpdate(completed=wanted.completed)
        return _plain(self._store.update(self._user_id, wanted.task_id, change))


def _plain(task: TaskRead) -> dict[str, Any]:
    return task.model_dump(mode="json")
