"""Neon's API and a branch of a project there, made for one run."""
