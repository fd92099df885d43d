# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""JSON as untrusted input, parsed strictly, and JSON as Go's encoding/json writes it."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from .._errors import DataError

# Go escapes these in strings so that JSON can stand in HTML, and U+2028 and U+2029 so that it can stand in JavaScript.
_GO_ESCAPES = (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029"))
# Made once: the records of a store are encoded by the thousand.
_GO_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))

# No document of ours has longer numbers, and Python reads them in quadratic time.
_MOST_DIGITS = 400
# No number of so few digits is beyond the range of floating point.
_FINITE_DIGITS = 300

# The escape of one half of a surrogate pair; without its other half it makes text that has no UTF-8.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class BadJson(DataError):
    """The bytes are not the JSON that they should be."""

    code = "invalid_json"


class _Refused(ValueError):
    """A rule of ours that the parser of the standard library does not have."""


class RepeatedKeys(dict[str, Any]):
    """An object in which a key stands more than once, where that was not refused at once."""


def parse_json(data: bytes, what: str, *, mark_repeated_keys: bool = False) -> Any:
    """The value that ``data`` holds; ``what`` names it in errors.

    Stricter than the standard library, whose guesses differ from Go's: UTF-8 without a byte order mark, no duplicate keys
    at any level, no NaN, no infinity (not even by a large exponent), no half of a surrogate pair, nothing after the value,
    and not nested too deeply for the interpreter. With ``mark_repeated_keys`` an object with duplicate keys is an instance
    of RepeatedKeys, for a caller to whom some objects do not matter. Raises BadJson, whose message shows no values of the
    document.
    """
    try:
        decoder = _MARKING_DECODER if mark_repeated_keys else _DECODER
        value = decoder.decode(data.decode("utf-8"))
        if _has_surrogates(data):
            _require_encodable(value)
    except UnicodeDecodeError as error:
        raise BadJson(f"invalid JSON: no UTF-8 at byte {error.start}", subject=what) from None
    except RecursionError:
        raise BadJson("invalid JSON: nested too deeply", subject=what) from None
    except ValueError as error:
        # From None: the standard library's error carries the whole document, which may be a file of credentials.
        raise BadJson(f"invalid JSON: {error}", subject=what) from None
    return value


def plain_json(data: bytes) -> Any:
    """The value that ``data`` holds, found in the time of the standard library alone.

    None for all that is out of the ordinary (errors, fractions, halves of surrogate pairs), of which parse_json() is to
    judge. Integers keep all their digits, however many. Of a key that stands twice in an object the last counts, as in Go.
    """
    if _has_surrogates(data):
        return None
    try:
        return _PLAIN_DECODER.decode(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return None


def go_json(value: Any) -> str:
    """``value`` as Go's encoding/json writes it: compact, with its escapes of < > & U+2028 U+2029.

    Keys keep the order of the dict: Go writes those of a struct as declared and those of a map sorted by bytes, and only the
    caller knows which it is.
    """
    return go_escaped(_GO_ENCODER.encode(value))


def go_escaped(text: str) -> str:
    """The JSON ``text`` with Go's escapes of < > & U+2028 U+2029, and otherwise as it is."""
    # These characters cannot stand outside of strings, so replacing them everywhere escapes just the strings.
    for character, escape in _GO_ESCAPES:
        text = text.replace(character, escape)
    return text


def _has_surrogates(data: bytes) -> bool:
    # Most documents have no escapes at all, and the search for a single byte takes no time.
    return b"\\" in data and _SURROGATE.search(data) is not None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _value in pairs:
            if key in seen:
                raise _Refused(f"duplicate key {key!r}")
            seen.add(key)
    return result


def _marked(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    return result if len(result) == len(pairs) else RepeatedKeys(result)


def _refuse_constant(name: str) -> NoReturn:
    raise _Refused(f"{name} is no JSON number")


def _refuse_fraction(_digits: str) -> NoReturn:
    raise _Refused("a fraction")


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise _Refused(f"a number of {len(digits)} digits")
    if len(digits) > _FINITE_DIGITS:
        # Go has no other numbers where it does not know what to expect.
        _finite(digits)
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _Refused("a number beyond the range of floating point")
    return number


def _require_encodable(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise _Refused("half of a surrogate pair in a string") from None


_DECODER, _MARKING_DECODER = (
    json.JSONDecoder(object_pairs_hook=hook, parse_constant=_refuse_constant, parse_int=_integer, parse_float=_finite)
    for hook in (_unique, _marked)
)
_PLAIN_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_refuse_fraction)
