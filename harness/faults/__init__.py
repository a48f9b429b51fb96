"""Faults that are made on purpose, take hold for certain, and undo themselves."""
