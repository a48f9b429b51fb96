"""The Todo app's backend: tasks and a task-managing assistant over PostgreSQL."""
