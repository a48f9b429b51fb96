"""A cluster that was there before: used within namespaces of our own, and left as it was."""
