"""What can be done with tasks; each call is one short transaction of one user."""

from __future__ import annotations

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from todo_backend.models import Task, TaskCreate, TaskRead, TaskUpdate, now


class TaskNotFoundError(LookupError):
    """The user has no task with this id."""

    def __init__(self, task_id: int) -> None:
        super().__init__(f"task {task_id} does not exist")


class TaskStore:
    """The tasks in the database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list(self, user_id: str) -> list[TaskRead]:
        """Return all tasks of the user, oldest first."""
        with Session(self._engine) as session:
            query = select(Task).where(Task.user_id == user_id).order_by(col(Task.id))
            return [TaskRead.model_validate(task) for task in session.exec(query)]

    def add(self, user_id: str, new: TaskCreate) -> TaskRead:
        """Store a task."""
        task = Task(user_id=user_id, title=new.title, description=new.description)
        task.updated_at = task.created_at
        with self._session() as session:
            session.add(task)
            session.commit()
            return TaskRead.model_validate(task)

    def get(self, user_id: str, task_id: int) -> TaskRead:
        """Return one task.

        Raises:
            TaskNotFoundError: the user has no such task.

        """
        with Session(self._engine) as session:
            return TaskRead.model_validate(_find(session, user_id, task_id))

    def update(self, user_id: str, task_id: int, change: TaskUpdate) -> TaskRead:
        """Change what `change` sets, and return the task.

        Raises:
            TaskNotFoundError: the user has no such task.

        """
        with self._session() as session:
            task = _find(session, user_id, task_id, lock=True)
            for name, value in change.model_dump(exclude_unset=True).items():
                if getattr(task, name) != value:
                    setattr(task, name, value)
                    task.updated_at = now()
            session.commit()
            return TaskRead.model_validate(task)

    def delete(self, user_id: str, task_id: int) -> None:
        """Remove one task.

        Raises:
            TaskNotFoundError: the user has no such task.

        """
        with self._session() as session:
            session.delete(_find(session, user_id, task_id, lock=True))
            session.commit()

    def _session(self) -> Session:
        return Session(self._engine, expire_on_commit=False)


def _find(session: Session, user_id: str, task_id: int, *, lock: bool = False) -> Task:
    query = select(Task).where(Task.user_id == user_id, Task.id == task_id)
    task = session.exec(query.with_for_update() if lock else query).one_or_none()
    if task is None:
        raise TaskNotFoundError(task_id)
    return task
