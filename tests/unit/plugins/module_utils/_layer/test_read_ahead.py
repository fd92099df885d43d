# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading ahead: the same pieces and errors as without it, made by another thread, and not too many of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from ansible_collections.strata.containers.plugins.module_utils._layer.read_ahead import read_ahead


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 5, 6, 50])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_pieces_are_those_of_the_stream(length: int, count: int) -> None:
    pieces = [b"%d" % number for number in range(length)]
    assert list(read_ahead(iter(pieces), count)) == pieces


@pytest.mark.parametrize("good", [0, 1, 2, 3, 10])
def test_what_making_a_piece_raises_comes_in_its_place(good: int) -> None:
    def pieces() -> Iterator[bytes]:
        yield from [b"piece"] * good
        raise ValueError("the stream is broken")

    ahead = read_ahead(pieces(), 2)
    assert [next(ahead) for _number in range(good)] == [b"piece"] * good
    with pytest.raises(ValueError, match="the stream is broken"):
        next(ahead)


@pytest.mark.parametrize("count", [1, 3])
def test_no_more_is_made_than_may_wait(count: int) -> None:
    made = []

    def pieces() -> Iterator[bytes]:
        for number in range(100):
            made.append(number)
            yield b"piece"

    ahead = read_ahead(pieces(), count)
    for _number in range(3):
        next(ahead)
    # Three are used; beyond those that wait, one is ready to take the next place.
    _wait_until(lambda: len(made) == 3 + count + 1)
    time.sleep(0.05)
    assert len(made) == 3 + count + 1
    assert len(list(ahead)) == 97


def test_a_short_stream_has_no_thread_and_a_long_one_has() -> None:
    makers: list[int] = []

    def pieces(length: int) -> Iterator[bytes]:
        for _number in range(length):
            makers.append(threading.get_ident())
            yield b"piece"

    list(read_ahead(pieces(2), 2))
    assert makers == [threading.get_ident()] * 2
    list(read_ahead(pieces(3), 2))
    assert makers[-1] != threading.get_ident()


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)
