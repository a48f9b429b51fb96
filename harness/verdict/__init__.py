"""The verdict on a project, by everything that can be judged without a cluster."""

from harness.verdict.judging import judge
from harness.verdict.model import Item, Verdict

__all__ = ["Item", "Verdict", "judge"]
