# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Blocks of PEM in text (RFC 1421, as Go's encoding/pem reads it).

Anything may stand around the blocks, and what looks like a block and is none is passed over, as in Go: which block is the
first one decides which key is trusted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .base64_text import decoded

_BEGIN = re.compile(rb"^-----BEGIN ([^\n]*?)-----[ \t]*\r?$\n?", re.MULTILINE)
_HEADER = re.compile(rb"([^\n:]*):[^\n]*\n")


@dataclass(frozen=True)
class PemBlock:
    """What a block says it is, as in ``CERTIFICATE``, and its bytes; ``rest`` is all that follows its last line."""

    label: str
    data: bytes
    has_headers: bool
    rest: bytes


def first_block(text: bytes) -> PemBlock | None:
    """The first block in ``text``, None where there is none."""
    for begin in _BEGIN.finditer(text):
        block = _block(begin.group(1), text[begin.end() :])
        if block is not None:
            return block
    return None


def blocks(text: bytes) -> Iterator[PemBlock]:
    """All blocks in ``text``."""
    block = first_block(text)
    while block is not None:
        yield block
        block = first_block(block.rest)


def _block(label: bytes, text: bytes) -> PemBlock | None:
    """The block called ``label`` of which ``text`` begins after its first line, None where it does not end well."""
    start = 0
    while (header := _HEADER.match(text, start)) is not None:
        start = header.end()
    end = re.compile(rb"^-----END ([^\n]*?)[ \t]*\r?(?:\n|\Z)", re.MULTILINE).search(text, start)
    if end is None or end.group(1) != label + b"-----":
        return None
    body = re.sub(rb"[ \t]", b"", text[start : end.start()])
    data = decoded(body.decode("utf-8", "replace"))
    if data is None:
        return None
    return PemBlock(label.decode("utf-8", "replace"), data, start > 0, text[end.end() :])
