"""The database: its tables, and sessions of it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ForeignKey, String, create_engine, make_url
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from notes.settings import DATABASE_URL

engine = create_engine(
    make_url(DATABASE_URL).set(drivername="postgresql+psycopg"),
    pool_pre_ping=True,
    pool_size=8,
    pool_timeout=3,
    connect_args={"connect_timeout": 3},
)


class Base(DeclarativeBase):
    """All tables."""


class Account(Base):
    """Somebody who keeps notes."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    password: Mapped[str]  # its hash


class Note(Base):
    """A note."""

    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey(Account.id), index=True)
    title: Mapped[str] = mapped_column(String(200))
    text: Mapped[str]


def session() -> Iterator[Session]:
    """Give a request a session."""
    with Session(engine) as opened:
        yield opened
