"""Accounts: signing up, logging in, and who asks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from fastapi import APIRouter, Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from notes.database import Account, session
from notes.settings import JWT_SECRET, TOKEN_MINUTES

ALGORITHM = "HS256"

router = APIRouter(prefix="/api/auth", tags=["accounts"])
hasher = PasswordHasher()
bearer = HTTPBearer(auto_error=False)
Database = Annotated[Session, Depends(session)]


class Credentials(BaseModel):
    """A name and a password."""

    name: str = Field(min_length=1, max_length=100)
    password: str = Field(min_length=8, max_length=200)


class Token(BaseModel):
    """What later requests are signed with."""

    access_token: str


def _token(account: Account) -> Token:
    until = datetime.now(UTC) + timedelta(minutes=TOKEN_MINUTES)
    claims = {"sub": str(account.id), "exp": until}
    return Token(access_token=jwt.encode(claims, JWT_SECRET, ALGORITHM))


@router.post("/signup", status_code=201)
def sign_up(given: Credentials, database: Database) -> Token:
    """Make an account."""
    account = Account(name=given.name, password=hasher.hash(given.password))
    database.add(account)
    try:
        database.commit()
    except IntegrityError:
        raise HTTPException(409, "the name is taken") from None
    return _token(account)


@router.post("/login")
def log_in(given: Credentials, database: Database) -> Token:
    """Give a token to somebody who has an account."""
    account = database.scalar(select(Account).where(Account.name == given.name))
    try:
        hasher.verify(account.password if account else hasher.hash(""), given.password)
    except VerifyMismatchError:
        raise HTTPException(401, "name or password is wrong") from None
    assert account is not None  # nobody's password is empty
    return _token(account)


def caller(
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> int:
    """Return the id of the account that asks."""
    try:
        claims = jwt.decode(given.credentials if given else "", JWT_SECRET, [ALGORITHM])
        return int(claims["sub"])
    except (jwt.InvalidTokenError, KeyError, ValueError):
        raise HTTPException(401, "log in first", {"WWW-Authenticate": "Bearer"}) from None
