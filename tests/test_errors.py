import pickle

from harness.command import CommandMissingError
from harness.errors import DeployError


def test_error_shows_its_four_parts_in_order() -> None:
    error = DeployError(needed="a thing", seen="none\nat all", looked="here", fix="make one")
    assert str(error).splitlines() == [
        "needed: a thing",
        "seen:   none",
        "        at all",
        "looked: here",
        "fix:    make one",
    ]
    assert error.headline == "a thing: none"
    error.add_note("more is in a file")
    assert str(error).splitlines()[-1] == "note:   more is in a file"


def test_error_crosses_a_process_boundary() -> None:
    error = CommandMissingError(["nothing"])
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is CommandMissingError
    assert str(copy) == str(error)
