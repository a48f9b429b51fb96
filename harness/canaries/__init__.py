"""Secrets that were made for a run, looked for wherever they must not be."""
