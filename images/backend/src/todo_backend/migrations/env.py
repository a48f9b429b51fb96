"""Runs the revisions on the connection that `migrate` hands over."""

from alembic import context
from sqlmodel import SQLModel

from todo_backend import models, schema

if context.is_offline_mode():
    raise SystemExit("the offline mode of alembic is not supported: use `todo-backend migrate`")

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    version_table=schema.VERSION_TABLE,
    # Other tables in this database belong to the frontend: never compare, never drop.
    include_name=lambda name, kind, _: kind != "table" or name == models.Task.__tablename__,
)
context.run_migrations()
