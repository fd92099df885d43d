# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Pieces of a stream that a second thread makes before they are asked for.

The module ``threading`` is left alone: once imported, it renews itself in every forked child, which costs a child that unpacks a
small layer a tenth of its time.
"""

from __future__ import annotations

import _thread
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Union

# Without a thread: a stream that ends with these is read sooner than a thread has started.
_FIRST = 2


class _Place:
    """Holds one piece at a time, from the thread that makes it to the one that uses it."""

    def __init__(self) -> None:
        self._piece: Union[bytes, BaseException, None] = None
        self._empty = _thread.allocate_lock()
        self._full = _thread.allocate_lock()
        self._full.acquire()

    def put(self, piece: Union[bytes, BaseException, None]) -> None:
        """Waits until the last piece was taken."""
        self._empty.acquire()
        self._piece = piece
        self._full.release()

    def take(self) -> Union[bytes, BaseException, None]:
        """Waits for a piece."""
        self._full.acquire()
        piece, self._piece = self._piece, None
        self._empty.release()
        return piece


def read_ahead(pieces: Iterator[bytes], count: int) -> Iterator[bytes]:
    """``pieces``, of which up to ``count`` wait to be used and one is being made; what making them raises is raised here."""
    for _number in range(_FIRST):
        piece = next(pieces, None)
        if piece is None:
            return
        yield piece
    places = [_Place() for _number in range(count)]
    _thread.start_new_thread(_fill, (pieces, places))
    for place in cycle(places):
        found = place.take()
        if found is None:
            return
        if isinstance(found, BaseException):
            raise found
        yield found


def _fill(pieces: Iterator[bytes], places: Sequence[_Place]) -> None:
    end: Union[BaseException, None] = None
    free = cycle(places)
    try:
        for piece in pieces:
            next(free).put(piece)
    except BaseException as error:
        end = error
    next(free).put(end)
