"""The task: its table, and what the API takes and gives."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, PlainSerializer, StringConstraints, model_validator
from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, String, Text, text
from sqlmodel import Field, SQLModel

TITLE_MAX = 200
DESCRIPTION_MAX = 2000
ID_MAX = 2**63 - 1


def _storable(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not contain the NUL character")
    return value


def _utc_text(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=TITLE_MAX),
    AfterValidator(_storable),
]
Description = Annotated[
    str, StringConstraints(max_length=DESCRIPTION_MAX), AfterValidator(_storable)
]
UtcTime = Annotated[datetime, PlainSerializer(_utc_text, return_type=str)]


def now() -> datetime:
    """Return the present time, with its time zone."""
    return datetime.now(UTC)


class Task(SQLModel, table=True):
    """A row of `task`. The owner is the `sub` of a token: no foreign key into foreign tables."""

    __tablename__ = "task"
    __table_args__ = (Index("ix_task_user_id_id", "user_id", "id"),)

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=False), primary_key=True)
    )
    user_id: str = Field(sa_column=Column(Text, nullable=False))
    title: str = Field(sa_column=Column(String(TITLE_MAX), nullable=False))
    description: str | None = Field(default=None, sa_column=Column(String(DESCRIPTION_MAX)))
    completed: bool = Field(
        default=False,
        sa_column_kwargs={"server_default": text("false"), "nullable": False},
    )
    created_at: datetime = Field(
        default_factory=now,
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=text("now()")),
    )
    updated_at: datetime = Field(
        default_factory=now,
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=text("now()")),
    )


class TaskRead(SQLModel):
    """A task as the API gives it."""

    model_config = ConfigDict(from_attributes=True)  # type: ignore[assignment]

    id: int
    user_id: str
    title: str
    description: str | None
    completed: bool
    created_at: UtcTime
    updated_at: UtcTime


class TaskCreate(SQLModel):
    """The body of POST."""

    title: Title
    description: Description | None = None


class TaskUpdate(SQLModel):
    """The body of PUT: what is absent stays; only the description can be null."""

    title: Title | None = None
    description: Description | None = None
    completed: bool | None = None

    @model_validator(mode="after")
    def _not_null(self) -> Self:
        for name in ("title", "completed"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name} must not be null")
        return self
