"""Registries of images: one of our own in a container, and those that clusters pull from."""
