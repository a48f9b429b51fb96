"""Who calls: verifies the frontend's token, and that the path is the caller's own."""

from __future__ import annotations

import jwt
from fastapi import HTTPException, Request, status

ISSUER = "todo-app"
AUDIENCE = "todo-api"
CLOCK_SKEW_S = 10
_CLAIMS = ("sub", "iat", "exp", "iss", "aud")


class InvalidTokenError(Exception):
    """The token does not prove who calls; the message says why."""


class TokenVerifier:
    """Checks the HS256 tokens that the frontend signs."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def user_id(self, authorization: str | None) -> str:
        """Return the user that an `Authorization` header proves.

        Raises:
            InvalidTokenError: no bearer token, or its signature or a claim is wrong.

        """
        if not authorization:
            raise InvalidTokenError("a bearer token is required")
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise InvalidTokenError("the Authorization header is not 'Bearer <token>'")
        try:
            claims = jwt.decode(
                token.strip(),
                self._secret,
                algorithms=["HS256"],
                audience=AUDIENCE,
                issuer=ISSUER,
                leeway=CLOCK_SKEW_S,
                options={"require": list(_CLAIMS)},
            )
        except jwt.ExpiredSignatureError:
            raise InvalidTokenError("the token has expired") from None
        except jwt.InvalidTokenError as error:
            raise InvalidTokenError(f"the token is not valid: {error}") from None
        subject = claims["sub"]
        if not isinstance(subject, str) or not subject:
            raise InvalidTokenError("the token is not valid: its subject is empty")
        return subject


async def own_user_id(user_id: str, request: Request) -> str:
    """Return the path's user id once the token has proved it (a FastAPI dependency)."""
    verifier: TokenVerifier = request.app.state.todo.verifier
    try:
        caller = verifier.user_id(request.headers.get("authorization"))
    except InvalidTokenError as error:
        raise HTTPException(
            status.HTTP_401_UNAUTHORIZED, str(error), {"WWW-Authenticate": "Bearer"}
        ) from None
    if caller != user_id:
        raise HTTPException(status.HTTP_403_FORBIDDEN, "this belongs to another user")
    return caller
