# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Policy JSON, where a misspelt key must be an error: every value knows its place, and objects know all of their keys.

Follows containers/image, ``ParanoidUnmarshalJSONObject``. Duplicate keys, NaN and text that is not UTF-8 never get here:
``_model/json_text`` refuses them.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from .._errors import HostError
from .base64_text import decoded


class InvalidPolicy(HostError):
    """The signature policy is malformed, so no image can be judged by it. ``subject`` names the file and the place."""

    code = "invalid_policy"


@dataclass(frozen=True)
class Value:
    """A value of the policy file ``origin``; ``place`` is the way to it, as in ``transports.docker["quay.io"][0]``."""

    value: Any
    origin: str
    place: str = ""

    def fields(self, required: Collection[str], optional: Collection[str] = ()) -> dict[str, Value]:
        """The members of this object by key. Raises InvalidPolicy for a missing key, an unknown one, or no object."""
        members = self.members()
        for key in members:
            if key not in required and key not in optional:
                raise self.invalid(f"unknown key {_quoted(key)}", wanted=_listed([*required, *optional]), found=key)
        for key in required:
            self.member(key)
        return members

    def members(self) -> dict[str, Value]:
        """The members of this object, whatever their keys. Raises InvalidPolicy for no object."""
        if not isinstance(self.value, dict):
            raise self._wrong_type("an object")
        return {key: Value(value, self.origin, self._below(key)) for key, value in self.value.items()}

    def member(self, key: str) -> Value:
        """The member of this object under ``key``, whatever others there are. Raises InvalidPolicy."""
        members = self.members()
        if key not in members:
            raise self.invalid(f"key {_quoted(key)} is missing")
        return members[key]

    def elements(self) -> tuple[Value, ...]:
        """The elements of this array, at least one. Raises InvalidPolicy."""
        if not isinstance(self.value, list):
            raise self._wrong_type("an array")
        if not self.value:
            raise self.invalid("the array must not be empty")
        return tuple(Value(value, self.origin, f"{self.place}[{index}]") for index, value in enumerate(self.value))

    def text(self) -> str:
        """This text. Raises InvalidPolicy."""
        if not isinstance(self.value, str):
            raise self._wrong_type("text")
        return self.value

    def data(self) -> bytes:
        """The bytes that this text is the base64 of; line breaks inside are fine. Raises InvalidPolicy."""
        data = decoded(self.text())
        if data is None:
            raise self.invalid("not base64 in the standard alphabet with padding")
        return data

    def texts(self) -> tuple[str, ...]:
        """The texts in this array, at least one. Raises InvalidPolicy."""
        return tuple(element.text() for element in self.elements())

    def datas(self) -> tuple[bytes, ...]:
        """The decoded base64 texts in this array, at least one. Raises InvalidPolicy."""
        return tuple(element.data() for element in self.elements())

    def invalid(self, message: str, *, wanted: str = "", found: str = "") -> InvalidPolicy:
        """The error that says what is wrong here."""
        subject = f"{self.origin}: {self.place}" if self.place else self.origin
        return InvalidPolicy(message, subject=subject, wanted=wanted, found=found)

    def _wrong_type(self, wanted: str) -> InvalidPolicy:
        return self.invalid("wrong type", wanted=wanted, found=_KINDS.get(type(self.value), "a number"))

    def _below(self, key: str) -> str:
        if not re.fullmatch("[A-Za-z-]+", key):
            return f"{self.place}[{_quoted(key)}]"
        return f"{self.place}.{key}" if self.place else key


def exactly_one(value: Value, given: Collection[str], choices: Collection[str]) -> None:
    """Raises InvalidPolicy unless just one of the keys ``choices`` of the object ``value`` is among ``given``."""
    if len(given) != 1:
        raise value.invalid("exactly one of these keys must be there", wanted=_listed(choices), found=_listed(given))


def at_most_one(value: Value, given: Collection[str], choices: Collection[str]) -> None:
    """Raises InvalidPolicy where more than one of the keys ``choices`` of the object ``value`` is among ``given``."""
    if len(given) > 1:
        raise value.invalid("at most one of these keys may be there", wanted=_listed(choices), found=_listed(given))


_KINDS = {type(None): "null", bool: "true or false", str: "text", list: "an array", dict: "an object"}


def _quoted(key: str) -> str:
    return f'"{key}"'


def _listed(keys: Collection[str]) -> str:
    return ", ".join(keys)
