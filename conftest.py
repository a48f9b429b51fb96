"""The wiring: which options, fixtures and steps a run has."""

pytest_plugins = [
    "plugin.options",
    "plugin.console",
    "plugin.features",
    "plugin.binding",
    "plugin.failures",
    "plugin.summary",
    "fixtures.run",
    "fixtures.deployment",
    "fixtures.browser",
    "fixtures.faults",
    "fixtures.helm_charts",
    "steps.image",
    "steps.build",
    "steps.health",
    "steps.release",
    "steps.service",
    "steps.database",
    "steps.account",
    "steps.person",
    "steps.fault",
]
