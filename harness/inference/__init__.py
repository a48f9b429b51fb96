"""What a project's description leaves out, told by what the project holds."""

from harness.inference.described import GIVEN, INFERRED, PARTLY, Described, described
from harness.inference.errors import InferenceError, NothingToJudgeError, SeveralChartsError
from harness.inference.folder import Folder, copied

__all__ = [
    "GIVEN",
    "INFERRED",
    "PARTLY",
    "Described",
    "Folder",
    "InferenceError",
    "NothingToJudgeError",
    "SeveralChartsError",
    "copied",
    "described",
]
