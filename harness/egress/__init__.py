"""The way out of a cluster of our own: closed, but for who is named; who tries is told."""
