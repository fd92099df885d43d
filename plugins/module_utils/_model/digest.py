# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The name of a blob: an algorithm and the hexadecimal hash of its bytes.

Sources: OCI image-spec descriptor.md ("Digests"), and opencontainers/go-digest for what is refused and in which words.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Protocol

from .._errors import DataError

# Length in hexadecimal digits of each algorithm that can be verified.
_HEX_LENGTH = {"sha256": 64, "sha384": 96, "sha512": 128}
_HEX = re.compile(r"[0-9a-f]+", re.ASCII)
# What nearly all digests are.
_USUAL = re.compile(r"sha256:([0-9a-f]{64})", re.ASCII)
# A well-formed digest of an algorithm that this engine may not know (image-spec, the grammar under "Digests").
_SHAPE = re.compile(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[A-Za-z0-9=_-]+", re.ASCII)


class InvalidDigest(DataError):
    """The text is no digest that can be verified."""

    code = "invalid_digest"


class Hasher(Protocol):
    """What this engine uses of a hash object of hashlib."""

    def update(self, data: bytes, /) -> None:
        """Adds ``data``."""

    def hexdigest(self) -> str:
        """The hash of all data so far, in lower-case hexadecimal."""


@dataclass(frozen=True)
class Digest:
    """An algorithm (``sha256``, ``sha384``, ``sha512``) and a hash in lower-case hexadecimal.

    The constructor takes the word of code that computed the hash; text from outside goes through ``parse``.
    """

    algorithm: str
    hex: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"

    @classmethod
    def parse(cls, text: str) -> Digest:
        """The digest written as ``algorithm:hex``.

        Raises InvalidDigest with the words of go-digest: format, algorithm or length, looked at in its order.
        """
        usual = _USUAL.fullmatch(text)
        if usual is not None:
            return cls("sha256", usual[1])
        algorithm, colon, hexadecimal = text.partition(":")
        if not algorithm or not colon or not hexadecimal:
            raise InvalidDigest("invalid checksum digest format", subject=text)
        if algorithm not in _HEX_LENGTH:
            known_shape = _SHAPE.fullmatch(text) is not None
            raise InvalidDigest(
                "unsupported digest algorithm" if known_shape else "invalid checksum digest format", subject=text
            )
        if len(hexadecimal) != _HEX_LENGTH[algorithm]:
            raise InvalidDigest("invalid checksum digest length", subject=text)
        if not _HEX.fullmatch(hexadecimal):
            raise InvalidDigest("invalid checksum digest format", subject=text)
        return cls(algorithm, hexadecimal)

    @classmethod
    def of(cls, data: bytes) -> Digest:
        """The sha256 digest of ``data``."""
        return cls("sha256", hashlib.sha256(data).hexdigest())

    def hasher(self) -> Hasher:
        """A new hash object of this algorithm."""
        return hashlib.new(self.algorithm)

    def matches(self, data: bytes) -> bool:
        """Whether this is the digest of ``data``."""
        hasher = self.hasher()
        hasher.update(data)
        return hasher.hexdigest() == self.hex
