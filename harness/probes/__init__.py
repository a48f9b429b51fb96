"""Questions asked from inside the pod network."""
