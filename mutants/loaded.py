"""What a run of scenarios without a cluster loads, loaded before it is needed.

Not pytest's plugins themselves, nor the steps: pytest has to load those, so that it can explain
their asserts. What is missing here costs a run time, and nothing else.
"""

from __future__ import annotations

import contextlib
import gc
import importlib

for _name in (
    *("pytest", "_pytest.junitxml", "_pytest.terminal", "mako.lookup", "gherkin.parser"),
    *("yaml", "pydantic", "execnet", "filelock", "rich", "docker.utils.build"),
    *("harness.settings", "harness.helm.rendering", "harness.supply.tools"),
    *("harness.contract", "harness.images.precheck", "harness.images.alone"),
):
    with contextlib.suppress(ImportError):
        importlib.import_module(_name)
gc.freeze()  # forks need not look at it again
