"""The wiring: which options, fixtures and steps a run has."""

pytest_plugins = [
    "plugin.options",
    "plugin.console",
    "plugin.features",
    "plugin.binding",
    "plugin.failures",
    "plugin.summary",
]
