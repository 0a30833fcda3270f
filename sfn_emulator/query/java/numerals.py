"""Numbers in JSON text, and what is wrong with one in Jackson's words."""

import re
from typing import Final, NamedTuple

NUMBER: Final = re.compile(
    r"-?(?:0(?![0-9])|[1-9][0-9]*+)(?:\.[0-9]++|(?!\.))(?:[eE][+-]?[0-9]++|(?![eE]))",
)
"""A number. What follows it is no part of it: ``1.5.`` is a number and a dot."""

EXPECTED: Final = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_TORN: Final = re.compile(r"(-?)([0-9]*)(\.?)([0-9]*)([eE]?)([+-]?)")
"""The readable beginning of an invalid number."""
_PLUS: Final = (
    "JSON spec does not allow numbers to have plus signs: "
    "enable `JsonReadFeature.ALLOW_LEADING_PLUS_SIGN_FOR_NUMBERS` to allow"
)


class NumberFault(NamedTuple):
    """``stray``: it is about the character at ``at``, not about the end of what was read."""

    message: str
    at: int
    stray: bool = False


def read_number(text: str) -> int | float:
    """The number of a JSON text: whole ones as ``int``, all others as ``float``."""
    if text.lstrip("-").isdigit() and len(text) < 400:
        return int(text)
    return float(text)


def described(char: str) -> str:
    """A character as Jackson tells it: ``'x' (code 120)``."""
    code = ord(char)
    if code < 32 or 127 <= code < 160:
        return f"(CTRL-CHAR, code {code})"
    return f"'{char}' (code {code}{f' / 0x{code:x}' if code > 255 else ''})"


def number_fault(text: str, at: int) -> NumberFault:
    """What is wrong with the number that begins at ``at`` with a sign or a digit."""
    if text[at] == "+":
        return _bad_digit(text, at, at + 1, _PLUS)
    torn = _TORN.match(text, at)
    assert torn is not None, "it matches everything"
    minus, digits, point, fraction, exponent, _ = torn.groups()
    if not digits and point:
        return NumberFault(
            f"Unexpected character ('.' (code 46)): expected a valid value {EXPECTED}", torn.end(2), True
        )
    if not digits:
        why = "expected digit (0-9) to follow minus sign, for valid numeric value"
        return _bad_digit(text, at + 1, at + 1, why, "No digit following sign")
    if digits[0] == "0" and len(digits) > 1:
        return NumberFault("Invalid numeric value: Leading zeroes not allowed", at + len(minus) + 1)
    place = torn.end(2) if digits != "0" else None
    if point and not fraction:
        return _bad_digit(text, torn.end(3), place, "Decimal point not followed by a digit")
    assert exponent, "else it is a number"
    why = "Exponent indicator not followed by a digit"
    return _bad_digit(text, torn.end(), place, why, "expected a digit for number exponent")


def _bad_digit(text: str, at: int, place: int | None, why: str, at_end: str = "") -> NumberFault:
    """``place`` is where Jackson says that it is, if not at the digit: behind the whole part, unless that is 0.

    ``at_end`` is what it appends, without a blank, where the text ends.
    """
    if at >= len(text) and at_end:
        return NumberFault(f"Unexpected end-of-input{at_end}", len(text))
    at = min(at, len(text) - 1)
    message = f"Unexpected character ({described(text[at])}) in numeric value: {why}"
    return NumberFault(message, at if place is None else place, stray=True)
