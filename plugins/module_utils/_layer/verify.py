# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Holds a blob against its descriptor while it streams by."""

from __future__ import annotations

from collections.abc import Iterable

from .._errors import DataError
from .._model.descriptor import Descriptor
from .._model.digest import Digest


class SizeMismatch(DataError):
    """The blob has another length than its descriptor says."""

    code = "size_mismatch"


class DigestMismatch(DataError):
    """The blob has another digest than its descriptor says."""

    code = "digest_mismatch"


class BlobVerifier:
    """Counts and hashes the bytes of one blob. ``size`` is None where the length is not known beforehand."""

    def __init__(self, digest: Digest, size: int | None) -> None:
        self._digest = digest
        self._size = size
        self._hasher = digest.hasher()
        self.count = 0

    def update(self, data: bytes) -> None:
        """Takes the next bytes. Raises SizeMismatch as soon as there are more than there should be."""
        self.count += len(data)
        if self._size is not None and self.count > self._size:
            self._raise_size()
        self._hasher.update(data)

    def finish(self) -> None:
        """Raises SizeMismatch or DigestMismatch unless exactly the right bytes came."""
        if self._size is not None and self.count != self._size:
            self._raise_size()
        found = self._hasher.hexdigest()
        if found != self._digest.hex:
            raise DigestMismatch(
                "digest did not match",
                subject=str(self._digest),
                wanted=str(self._digest),
                found=f"{self._digest.algorithm}:{found}",
            )

    def _raise_size(self) -> None:
        raise SizeMismatch(
            "blob size mismatch", subject=str(self._digest), wanted=f"{self._size} bytes", found=f"{self.count} bytes"
        )


def verified_bytes(chunks: Iterable[bytes], descriptor: Descriptor) -> bytes:
    """The whole of a small blob, held against its descriptor. Raises SizeMismatch and DigestMismatch."""
    verifier = BlobVerifier(descriptor.digest, descriptor.size)
    pieces = []
    for chunk in chunks:
        verifier.update(chunk)
        pieces.append(chunk)
    verifier.finish()
    return b"".join(pieces)
