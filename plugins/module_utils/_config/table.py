# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Typed access to a table of a configuration file: a value of another type is an error that names its place.

Absent and ``null`` are the same (as they are for Go, which reads the same files). Errors show types and never values:
these may be secrets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .toml_file import InvalidConfig


@dataclass(frozen=True)
class Table:
    """A table of the file ``origin``; ``place`` is the dotted path to it, empty for the whole file."""

    values: Mapping[str, Any]
    origin: str
    place: str = ""

    def text(self, key: str) -> str:
        """The text under ``key``, empty where there is none. Raises InvalidConfig."""
        return self._typed(key, str, "text") or ""

    def flag(self, key: str) -> bool:
        """The truth value under ``key``, False where there is none. Raises InvalidConfig."""
        return self._typed(key, bool, "true or false") or False

    def count(self, key: str) -> int:
        """The number from 0 on under ``key``, 0 where there is none. Raises InvalidConfig."""
        value = self._typed(key, int, "a number") or 0
        if isinstance(value, bool) or not 0 <= value < 1 << 32:
            raise self.invalid(key, "wrong type", wanted="a number of 32 bits", found=_kind(value))
        return int(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """The list of texts under ``key``, empty where there is none. Raises InvalidConfig."""
        values = self._typed(key, list, "a list of text") or []
        for value in values:
            if not isinstance(value, str):
                raise self.invalid(key, "wrong type in the list", wanted="text", found=_kind(value))
        return tuple(values)

    def table(self, key: str) -> Table:
        """The table under ``key``, an empty one where there is none. Raises InvalidConfig."""
        return Table(self._typed(key, dict, "a table") or {}, self.origin, self._place(key))

    def tables(self, key: str) -> tuple[Table, ...]:
        """The list of tables under ``key``, empty where there is none. Raises InvalidConfig."""
        values = self._typed(key, list, "a list of tables") or []
        for value in values:
            if not isinstance(value, dict):
                raise self.invalid(key, "wrong type in the list", wanted="a table", found=_kind(value))
        return tuple(Table(value, self.origin, f"{self._place(key)}[{place}]") for place, value in enumerate(values))

    def invalid(self, key: str, message: str, *, wanted: str = "", found: str = "") -> InvalidConfig:
        """The error that says what is wrong with the value under ``key``, or with this table where ``key`` is empty."""
        place = self._place(key) if key else self.place
        return InvalidConfig(
            message, subject=f"{self.origin}: {place}" if place else self.origin, wanted=wanted, found=found
        )

    def _typed(self, key: str, kind: type, name: str) -> Any:
        value = self.values.get(key)
        if value is not None and not isinstance(value, kind):
            raise self.invalid(key, "wrong type", wanted=name, found=_kind(value))
        return value

    def _place(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key


_KINDS = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "a table"}


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), type(value).__name__)
