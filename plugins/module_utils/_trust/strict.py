# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Strict reading of JSON objects: every key is known, and every value of the type that it must have."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection
from typing import Any

from .._errors import HostError


class InvalidPolicy(HostError):
    """The policy file is not exactly as it should be; no image is judged by it."""

    code = "invalid_policy"


class Place:
    """Where in the file a value stands, for errors: ``file: default[0].keyPath``."""

    def __init__(self, origin: str, path: str = "") -> None:
        self.origin = origin
        self.path = path

    def key(self, name: str) -> Place:
        """The place of a key of this object."""
        return Place(self.origin, f"{self.path}.{name}" if self.path else name)

    def index(self, number: int) -> Place:
        """The place of an entry of this list."""
        return Place(self.origin, f"{self.path}[{number}]")

    def error(self, message: str, found: str = "") -> InvalidPolicy:
        """The error that something is wrong here."""
        where = f"{self.path}: " if self.path else ""
        return InvalidPolicy(f"invalid policy: {where}{message}", subject=self.origin, found=found)


def as_object(value: Any, place: Place, known: Collection[str]) -> dict[str, Any]:
    """``value`` as an object that has no other keys than ``known``. Raises InvalidPolicy."""
    if not isinstance(value, dict):
        raise place.error("this must be an object", type(value).__name__)
    for key in value:
        if key not in known:
            raise place.error(f"unknown key {key!r}")
    return value


def as_text(value: Any, place: Place) -> str:
    """``value`` as text that is not empty. Raises InvalidPolicy."""
    if not isinstance(value, str) or not value:
        raise place.error("this must be text that is not empty", repr(value))
    return value


def as_list(value: Any, place: Place, *, empty: bool = False) -> list[Any]:
    """``value`` as a list, which may be empty only where ``empty`` is set. Raises InvalidPolicy."""
    if not isinstance(value, list):
        raise place.error("this must be a list", type(value).__name__)
    if not value and not empty:
        raise place.error("this list must not be empty")
    return value


def as_bytes(value: Any, place: Place) -> bytes:
    """The bytes that ``value`` holds in base64 with padding; line breaks are allowed. Raises InvalidPolicy."""
    if not isinstance(value, str):
        raise place.error("this must be base64 text", type(value).__name__)
    try:
        return base64.b64decode(value.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError) as error:
        raise place.error("this is no base64") from error
