"""The database: one pool of connections, opened when the server starts."""

from __future__ import annotations

import os

from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

DATABASE_URL = os.environ["DATABASE_URL"]

pool = AsyncConnectionPool(
    DATABASE_URL, open=False, min_size=1, max_size=8, timeout=3, kwargs={"row_factory": dict_row}
)
