# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""An iterator of chunks that hashes and counts what passes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any


class Hashed:
    """Passes the chunks of a stream on; ``count`` and ``hexdigest()`` tell of those passed so far."""

    def __init__(self, chunks: Iterable[bytes], hasher: Any) -> None:
        self._chunks = iter(chunks)
        self._hasher = hasher
        self.count = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk = next(self._chunks)
        self._hasher.update(chunk)
        self.count += len(chunk)
        return chunk

    def hexdigest(self) -> str:
        """The hash of everything passed so far, in hexadecimal."""
        return str(self._hasher.hexdigest())
