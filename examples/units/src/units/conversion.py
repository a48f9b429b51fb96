"""What is how much of what."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

#: Quantity to unit to how much of the first unit it is.
UNITS: dict[str, dict[str, Decimal]] = {
    "length": {
        "m": Decimal(1),
        "km": Decimal(1000),
        "ft": Decimal("0.3048"),
        "mi": Decimal("1609.344"),
    },
    "mass": {"kg": Decimal(1), "g": Decimal("0.001"), "lb": Decimal("0.45359237")},
    "volume": {"l": Decimal(1), "ml": Decimal("0.001"), "gal": Decimal("3.785411784")},
}


class UnknownUnitError(ValueError):
    """There is no such unit, or the two measure different things."""


def convert(amount: str, source: str, target: str, digits: int) -> Decimal:
    """Return an amount in another unit, rounded to so many decimal digits.

    Raises:
        UnknownUnitError, ValueError: the amount is no number.

    """
    try:
        number = Decimal(amount)
    except InvalidOperation:
        raise ValueError(f"{amount!r} is no number") from None
    if not number.is_finite():
        raise ValueError(f"{amount!r} is no number")
    for units in UNITS.values():
        if source in units and target in units:
            found = number * units[source] / units[target]
            return found.quantize(Decimal(1).scaleb(-digits)).normalize()
    raise UnknownUnitError(f"{source} cannot be told in {target}")
