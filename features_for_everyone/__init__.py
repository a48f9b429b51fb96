"""Features of projects that bring none of their own."""
