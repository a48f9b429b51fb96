"""The HTTP interface: thin functions from requests to what the other modules do."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from anyio import to_thread
from fastapi import APIRouter, Depends, HTTPException, Path, Request, Response, status
from fastapi.responses import JSONResponse

from todo_backend.auth import own_user_id
from todo_backend.chat import ChatReply, ChatRequest, converse
from todo_backend.models import ID_MAX, TaskCreate, TaskRead, TaskUpdate
from todo_backend.state import State
from todo_backend.tasks import TaskStore
from todo_backend.tools import Toolbox


# The dependencies are `async`: others would need a worker thread, and those may all be waiting
# for a silent database while the probes still have to answer.
async def _state(request: Request) -> State:
    state: State = request.app.state.todo
    return state


async def _store(state: Annotated[State, Depends(_state)]) -> TaskStore:
    return state.store


CurrentState = Annotated[State, Depends(_state)]
Owner = Annotated[str, Depends(own_user_id)]
Store = Annotated[TaskStore, Depends(_store)]
TaskId = Annotated[int, Path(ge=1, le=ID_MAX)]

probes = APIRouter(tags=["probes"])
api = APIRouter(prefix="/api/{user_id}", tags=["todo"])


@probes.get("/health")
async def health(state: CurrentState) -> dict[str, object]:
    """Liveness: 200 while the process serves; the body tells what works and what does not."""
    database = await state.database.health()
    ai = state.ai_report()
    good = database.ready and ai.status in ("reachable", "unknown")
    return {
        "status": "ok" if good else "degraded",
        "database": database.as_dict(),
        "ai": {"status": ai.status, "detail": ai.detail, "model": state.cohere.model},
        "version": state.version,
    }


@probes.get("/ready")
async def ready(state: CurrentState) -> Response:
    """Readiness: 200 when the database answers and its schema fits, 503 with the cause else."""
    database = await state.database.ready()
    if not database.ready:
        return JSONResponse({"detail": database.detail}, status.HTTP_503_SERVICE_UNAVAILABLE)
    state.was_ready = True
    return JSONResponse({"status": "ready", "detail": database.detail})


@api.get("/tasks")
def list_tasks(user_id: Owner, store: Store) -> list[TaskRead]:
    """Return the user's tasks, oldest first."""
    return store.list(user_id)


@api.post("/tasks", status_code=status.HTTP_201_CREATED)
def add_task(user_id: Owner, body: TaskCreate, store: Store, response: Response) -> TaskRead:
    """Add a task."""
    task = store.add(user_id, body)
    response.headers["Location"] = f"/api/{quote(user_id, safe='')}/tasks/{task.id}"
    return task


@api.get("/tasks/{task_id}")
def get_task(user_id: Owner, task_id: TaskId, store: Store) -> TaskRead:
    """Return one task."""
    return store.get(user_id, task_id)


@api.put("/tasks/{task_id}")
def update_task(user_id: Owner, task_id: TaskId, body: TaskUpdate, store: Store) -> TaskRead:
    """Change the fields that the body has."""
    return store.update(user_id, task_id, body)


@api.delete("/tasks/{task_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_task(user_id: Owner, task_id: TaskId, store: Store) -> None:
    """Remove a task."""
    store.delete(user_id, task_id)


@api.post("/chat")
async def chat(user_id: Owner, body: ChatRequest, state: CurrentState) -> ChatReply:
    """Let the assistant answer, and let it read and change the user's tasks."""
    if state.chats.available_tokens < 1:
        raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, "the assistant is busy")
    toolbox = Toolbox(state.store, user_id)
    # In threads of its own: a slow assistant must not slow the tasks.
    return await to_thread.run_sync(converse, state.cohere, toolbox, body, limiter=state.chats)
