"""The pytest side of the harness: options, collection of features, what is shown."""
