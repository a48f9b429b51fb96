"""What a run would do, found out without doing any of it."""
