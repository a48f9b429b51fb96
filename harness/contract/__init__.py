"""Contract between chart, images and code: what can be judged in seconds, without a cluster."""

from harness.contract.finding import ContractBrokenError, Finding, NothingExaminedError, Place
from harness.contract.judge import CHECKS, Check, Contract, Judgement, judge

__all__ = [
    "CHECKS",
    "Check",
    "Contract",
    "ContractBrokenError",
    "Finding",
    "Judgement",
    "NothingExaminedError",
    "Place",
    "judge",
]
