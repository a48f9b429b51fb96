"""The schema's revisions, numbered in sequence; each only adds to the schema."""
