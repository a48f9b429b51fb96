import base64

import pytest

from harness.redact import MASK, Redactor

SECRET = "s3cret/with+signs"


@pytest.mark.parametrize(
    "shown",
    [
        SECRET,
        base64.b64encode(SECRET.encode()).decode(),
        "s3cret%2Fwith%2Bsigns",
    ],
    ids=["plain", "base64", "percent"],
)
def test_known_secret_is_masked_in_every_form(shown: str) -> None:
    assert Redactor([SECRET])(f"a {shown} b") == f"a {MASK} b"


def test_password_of_a_known_url_is_masked_by_itself() -> None:
    redact = Redactor(["postgresql://app:p%40ssword@db:5432/app"])
    assert redact("the password p@ssword") == f"the password {MASK}"


def test_unknown_url_loses_its_password_and_keeps_its_host() -> None:
    text = Redactor()("connecting to postgresql://app:anything@db.example:5432/app")
    assert text == f"connecting to postgresql://app:{MASK}@db.example:5432/app"


def test_bearer_token_is_masked() -> None:
    assert Redactor()("Authorization: Bearer abc.def.ghi-jkl") == f"Authorization: Bearer {MASK}"


def test_short_values_do_not_eat_ordinary_words() -> None:
    assert Redactor(["", "a", "todo"])("a todo") == "a todo"
