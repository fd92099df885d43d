# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""A blob as a stream that survives a lost connection: the rest is asked for from where the first answer ended.

The rules are those of containers/image (docker/body_reader.go), with one addition: a server that does not do ranges
sends everything again, and what was had before is skipped. The digest over the whole stream, which the reader of the
stream checks, proves that both halves belong together.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator

from .._model.foreign_text import printable
from .errors import RegistryError
from .failures import ConnectionLost, EarlyEnd
from .http import HttpResponse
from .retry import Clock
from .urls import redacted

CHUNK = 256 * 1024

_ENOUGH_PROGRESS = 1024 * 1024
_ENOUGH_TIME = 60.0
_PAUSE = 1.0
# Hosts of a fleet that lost their connections together should not come back together.
_JITTER = 0.1
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)", re.ASCII)


class WrongRange(RegistryError):
    """Asked for the rest of a blob, the registry sent something else."""


def read_blob(open_at: Callable[[int], HttpResponse], size: int | None, clock: Clock) -> Iterator[bytes]:
    """The bytes of a blob in chunks of 256 KiB at most.

    ``open_at`` asks for the blob from an offset on and gives an answer of status 200 or 206, or raises. ``size`` is the
    length that the descriptor promises, for a server that does not say it. Raises ConnectionLost when the connection is
    lost again before a mebibyte came, or bytes came for a minute, WrongRange, and what ``open_at`` raises.
    """
    progress = _Progress(size)
    while True:
        try:
            with open_at(progress.offset) as response:
                yield from progress.rest_of(response, clock)
            return
        except ConnectionLost as error:
            lost = error
        progress.pause_or_raise(lost, clock)


class _Progress:
    """How far a download is, and how far it was when it was resumed last."""

    def __init__(self, size: int | None) -> None:
        self.offset = 0
        self._total = size
        self._resumed: tuple[int, float] | None = None
        self._last_byte = 0.0

    def rest_of(self, response: HttpResponse, clock: Clock) -> Iterator[bytes]:
        if self.offset == 0:
            self._total = self._total if response.remaining is None else response.remaining
        elif response.status == 206:
            self._check_range(response)
        else:
            _skip(response, self.offset)
        while True:
            chunk = response.read(self._next_size())
            if not chunk:
                break
            self.offset += len(chunk)
            self._last_byte = clock.monotonic()
            yield chunk
        # Without a length, only the descriptor tells an end from a lost connection.
        if self._total is not None and self.offset < self._total:
            raise EarlyEnd(
                f"the connection was closed {self._total - self.offset} bytes too early", subject=redacted(response.url)
            )

    def _next_size(self) -> int:
        """How much to read: of a blob that is too long one byte more than it should have, which tells that it is."""
        return CHUNK if self._total is None else max(1, min(CHUNK, self._total - self.offset + 1))

    def pause_or_raise(self, lost: ConnectionLost, clock: Clock) -> None:
        """Lets a moment pass before the next connection; raises ``lost`` when the last one brought too little."""
        if self._resumed is not None:
            offset, moment = self._resumed
            # A silence does not count as time, or a server that sends nothing at all would be asked for ever.
            if self.offset - offset < _ENOUGH_PROGRESS and self._last_byte - moment < _ENOUGH_TIME:
                raise lost
        clock.sleep(_PAUSE + random.uniform(0, _JITTER))
        self._resumed = self.offset, clock.monotonic()

    def _check_range(self, response: HttpResponse) -> None:
        text = response.header("Content-Range")
        match = _CONTENT_RANGE.fullmatch(text)
        end = str(int(match[2]) + 1) if match else ""
        known = {end, *([] if self._total is None else [str(self._total)])}
        if match is None or int(match[1]) != self.offset or match[3] not in (*known, "*") or len(known) != 1:
            raise WrongRange(
                "the registry continues the blob at another place",
                subject=redacted(response.url),
                wanted=f"bytes {self.offset}-{'' if self._total is None else self._total - 1}",
                found=printable(text),
            )


def _skip(response: HttpResponse, size: int) -> None:
    while size:
        piece = response.read(min(CHUNK, size))
        if not piece:
            raise EarlyEnd("the blob is shorter than before", subject=redacted(response.url))
        size -= len(piece)
