"""The server: notes are written, read, changed and deleted by whoever they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from notes import accounts, database
from notes.accounts import Database, caller

app = FastAPI(title="Notes", version="1.0.0")
app.include_router(accounts.router)
Caller = Annotated[int, Depends(caller)]


class Written(BaseModel):
    """What somebody writes."""

    title: str = Field(min_length=1, max_length=200)
    text: str = Field(default="", max_length=10_000)


class Note(Written):
    """A note that is kept."""

    model_config = ConfigDict(from_attributes=True)

    id: int


@app.get("/healthz", tags=["health"])
def live() -> dict[str, str]:
    """Say that the process serves."""
    return {"status": "ok"}


@app.get("/readyz", tags=["health"])
def ready() -> JSONResponse:
    """Ask the database, and say what came of it."""
    try:
        with database.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        return JSONResponse({"status": "not ready", "error": type(error).__name__}, 503)
    return JSONResponse({"status": "ready"})


def _own(id: int, asking: int, opened: Database) -> database.Note:
    note = opened.get(database.Note, id)
    if note is None or note.account_id != asking:
        raise HTTPException(404, "there is no such note")
    return note


@app.get("/api/notes", response_model=list[Note])
def listed(asking: Caller, opened: Database) -> Sequence[database.Note]:
    """Return the notes of whoever asks, newest first."""
    mine = select(database.Note).where(database.Note.account_id == asking)
    return opened.scalars(mine.order_by(database.Note.id.desc())).all()


@app.post("/api/notes", status_code=201, response_model=Note)
def added(given: Written, asking: Caller, opened: Database) -> database.Note:
    """Keep a note."""
    note = database.Note(account_id=asking, **given.model_dump())
    opened.add(note)
    opened.commit()
    return note


@app.get("/api/notes/{id}", response_model=Note)
def read(id: int, asking: Caller, opened: Database) -> database.Note:
    """Return a note."""
    return _own(id, asking, opened)


@app.put("/api/notes/{id}", response_model=Note)
def changed(id: int, given: Written, asking: Caller, opened: Database) -> database.Note:
    """Write a note anew."""
    note = _own(id, asking, opened)
    note.title, note.text = given.title, given.text
    opened.commit()
    return note


@app.delete("/api/notes/{id}", status_code=204)
def deleted(id: int, asking: Caller, opened: Database) -> None:
    """Throw a note away."""
    opened.delete(_own(id, asking, opened))
    opened.commit()
