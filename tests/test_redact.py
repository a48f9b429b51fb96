import base64
import json

import pytest

from harness.redact import MASK, Redactor

SECRET = "s3cret/with+signs"


@pytest.mark.parametrize(
    "shown",
    [
        SECRET,
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        "s3cret%2Fwith%2Bsigns",
        "s3cret%2fwith%2bsigns",
        "s3cret/with%2Bsigns",
    ],
    ids=["plain", "base64", "base64url", "percent", "percent-lower", "percent-path"],
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


@pytest.mark.parametrize("before", ["", "a", "ab", "user:"])
@pytest.mark.parametrize("behind", ["", "x", "xy", "@db:5432/app"])
def test_secret_is_found_within_something_encoded(before: str, behind: str) -> None:
    whole = base64.b64encode(f"{before}{SECRET}{behind}".encode()).decode()
    left = Redactor([SECRET])(whole).split(MASK)
    assert len(left) == 2, "it was not found"
    for part, word in zip(left, (before, behind), strict=True):
        assert len(part) <= len(word) * 4 // 3 + 5, "more is left than stood there"


def test_secret_with_quotes_is_found_in_json() -> None:
    secret = 'pa"ss\\w\u00f6rd'
    for ascii_only in (True, False):
        text = json.dumps({"key": secret}, ensure_ascii=ascii_only)
        assert json.loads(Redactor([secret])(text)) == {"key": MASK}


def test_secret_of_several_lines_is_found_line_by_line() -> None:
    secret = "first line of it\nsecond line of it\n"
    assert Redactor([secret])("2026 second line of it") == f"2026 {MASK}"


def test_secret_learnt_later_is_masked() -> None:
    redact = Redactor()
    assert redact("hunter22") == "hunter22"
    redact.add("hunter22")
    assert redact("hunter22") == MASK


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("user:pa@ss://x", "user:pa@ss://x"),
        ("postgresql://u:pa@ss@db/x", f"postgresql://u:{MASK}@db/x"),
        ("cookie eyJhbGciOiJI.eyJzdWIiOiJ.c2lnbmF0dXJl;", f"cookie {MASK};"),
        ("Authorization: Basic dTpwYXNz", f"Authorization: Basic {MASK}"),
        ("Basic authentication is wanted", "Basic authentication is wanted"),
        ("host=db password=hunter2 dbname=x", f"host=db password={MASK} dbname=x"),
        ("GET /?api_key=abc123&page=2", f"GET /?api_key={MASK}&page=2"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", MASK),
        ("the secret is missing, token expired", "the secret is missing, token expired"),
    ],
)
def test_what_looks_like_a_secret_is_masked_though_nobody_told_it(text: str, shown: str) -> None:
    assert Redactor()(text) == shown
    assert Redactor()(shown) == shown, "a second pass changed it again"


@pytest.mark.parametrize("piece", ["x", "x.", "a-b_", "Zm9v", "eyJ", "http://"])
def test_long_lines_take_no_time_to_speak_of(piece: str) -> None:
    """A pattern that looks again from each place would need an hour for one of these."""
    line = piece * (400_000 // len(piece))
    assert Redactor(["a-secret-value"])(line) == line
