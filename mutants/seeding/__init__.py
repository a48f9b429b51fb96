"""The static defects of the Todo app, seeded into any project: by role and shape, not by name."""
