"""The wiring: which options, fixtures and steps a run has."""

from plugin.wiring import MODULES

pytest_plugins = [*MODULES]
