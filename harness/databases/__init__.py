"""A PostgreSQL outside the cluster: one of our own, or one that the user gives."""
