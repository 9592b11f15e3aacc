"""Goods and services tax: added per line where the list leaves it out, shown where it is inside (R-310)."""

from typing import NamedTuple

_WHOLE = 100


class Taxed(NamedTuple):
    """What a line costs, and the tax inside that; minor units."""

    amount_minor: int
    tax_minor: int


def added_minor(list_minor: int, percent: int) -> int:
    """The tax on top of a price without it, half a minor unit rounded up (D-17)."""
    return _half_up(list_minor * percent, _WHOLE)


def contained_minor(total_minor: int, percent: int) -> int:
    """The tax inside a price that includes it, half a minor unit rounded up."""
    return _half_up(total_minor * percent, _WHOLE + percent)


def taxed(list_minor: int, percent: int, included: bool) -> Taxed:
    """One line of `list_minor` at `percent`; a list that includes the tax adds nothing (R-310)."""
    if included:
        return Taxed(list_minor, contained_minor(list_minor, percent))
    tax_minor = added_minor(list_minor, percent)
    return Taxed(list_minor + tax_minor, tax_minor)


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
