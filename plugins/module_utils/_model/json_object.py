# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""One object of a JSON document from outside, read key by key with the type that each value must have.

The rules are those of Go's encoding/json, by which every other tool reads these documents: ``null`` is the same as no
key, and a value of another type is an error. Where Go is lax this is strict: it takes ``Layers`` for ``layers``, other
readers do not, so a document with such a key says different things to different readers and is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._errors import DataError

# Go reads sizes into 64 bits with a sign.
_LARGEST = (1 << 63) - 1
# Longer than any digest or media type.
_MOST_SHOWN = 200


class JsonObject:
    """The object ``value``; ``where`` names it in errors, and ``error`` is what its methods raise, the constructor included."""

    def __init__(self, value: Any, where: str, error: type[DataError]) -> None:
        self.where = where
        self._error = error
        if not isinstance(value, dict):
            raise error("this must be a JSON object", subject=where, wanted="an object", found=_kind(value))
        self.value: dict[str, Any] = value

    def text(self, key: str) -> str:
        """The text at ``key``, which must be there."""
        value = self.value.get(key)
        if value is None:
            raise self._error("a field is missing", subject=self.place(key))
        if not isinstance(value, str):
            raise self._wrong_type(key, "text", value)
        return value

    def optional_text(self, key: str) -> str:
        """The text at ``key``, empty where there is none."""
        return "" if self.value.get(key) is None else self.text(key)

    def size(self, key: str) -> int:
        """The number of bytes at ``key``, which must be there: an integer from 0 to 2**63 - 1."""
        value = self.value.get(key)
        if value is None:
            raise self._error("a field is missing", subject=self.place(key))
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong_type(key, "an integer", value)
        if not 0 <= value <= _LARGEST:
            found = "a negative number" if value < 0 else "a larger number"
            raise self._error("this is no size", subject=self.place(key), wanted="0 to 2**63 - 1", found=found)
        return value

    def array(self, key: str) -> list[Any]:
        """The values at ``key``, none where there is no such key."""
        value = self.value.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._wrong_type(key, "an array", value)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """The array of texts at ``key``, empty where there is none."""
        values = self.array(key)
        for position, value in enumerate(values):
            if not isinstance(value, str):
                raise self._wrong_type(f"{key}[{position}]", "text", value)
        return tuple(values)

    def mapping(self, key: str) -> Mapping[str, Any]:
        """The object at ``key`` as received, empty where there is none."""
        value = self.value.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self._wrong_type(key, "an object", value)
        return value

    def text_map(self, key: str) -> Mapping[str, str]:
        """The object at ``key`` whose values are all text, empty where there is none."""
        values = self.mapping(key)
        for name, value in values.items():
            if not isinstance(value, str):
                raise self._wrong_type(f"{key}.{shown(name)}", "text", value)
        return values

    def refuse_look_alikes(self, known: tuple[str, ...], error: type[DataError]) -> None:
        """Raises ``error`` where a key differs from one of ``known`` by nothing but the case of its letters."""
        others = self.value.keys() - set(known)
        if not others:
            return
        # Go also folds the long s and the Kelvin sign, as casefold() does.
        meant = {name.casefold(): name for name in known}
        for key in filter(others.__contains__, self.value):
            name = meant.get(key.casefold(), key)
            if name != key:
                raise error(
                    "ambiguous: some readers take this key for another", subject=self.place(key), wanted=name, found=key
                )

    def place(self, key: str) -> str:
        """How errors name the value at ``key``."""
        return f"{self.where}: {key}"

    def _wrong_type(self, key: str, wanted: str, value: Any) -> DataError:
        return self._error("wrong type of value", subject=self.place(key), wanted=wanted, found=_kind(value))


def shown(text: str) -> str:
    """``text`` from outside as errors show it: cut where it is longer than anything that belongs there."""
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


def _kind(value: Any) -> str:
    """What JSON calls the type of ``value``; errors do not show the value itself, which may be long or a secret."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "an array" if isinstance(value, list) else "an object"
