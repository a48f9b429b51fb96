"""What the environment says; without a secret the program does not start."""

from __future__ import annotations

import os

SHORTEST = 32  # characters of a key for HS256

DATABASE_URL = os.environ["DATABASE_URL"]
JWT_SECRET = os.environ["JWT_SECRET"]
TOKEN_MINUTES = int(os.environ.get("TOKEN_MINUTES", "60"))

if len(JWT_SECRET) < SHORTEST:
    raise ValueError(f"JWT_SECRET is shorter than {SHORTEST} characters")
