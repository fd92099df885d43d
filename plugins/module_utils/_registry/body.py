# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Bodies that are kept in memory, and the limits that keep them small (containers/image, pkg/iolimits)."""

from __future__ import annotations

from .._errors import DataError
from .encoding import GZIP, BadEncoding, inflated, inflater, is_encoded
from .failures import ConnectionLost
from .http import HttpResponse

MANIFEST_LIMIT = 4 * 1024 * 1024
SIGNATURE_LIST_LIMIT = 4 * 1024 * 1024
TOKEN_LIMIT = 1024 * 1024
ERROR_LIMIT = 1024 * 1024

_PIECE = 64 * 1024


class BodyTooLarge(DataError):
    """A body exceeds what anything of its kind may have."""

    code = "too_large"


def read_body(response: HttpResponse, limit: int, subject: str) -> bytes:
    """The whole body; ``subject`` names it in errors. Raises BodyTooLarge above ``limit`` bytes, ConnectionLost and BadEncoding.

    The length that the server announces is not trusted: at most one byte more than ``limit`` is read, and unpacked where the
    server compressed the body on the way. Nobody asked it to, but some do, and Go's tools read it.
    """
    body = _read(response, limit + 1, subject)
    if len(body) > limit:
        raise BodyTooLarge(f"exceeded maximum allowed size of {limit} bytes", subject=subject)
    return body


def read_error_body(response: HttpResponse) -> bytes:
    """As much of the body of a refusal as came, at most 1 MiB: a cut explanation is better than none."""
    try:
        return _read(response, ERROR_LIMIT, "")
    except (ConnectionLost, BadEncoding):
        return b""


def _read(response: HttpResponse, most: int, subject: str) -> bytes:
    pieces = []
    left = most
    while left > 0:
        piece = response.read(min(_PIECE, left))
        if not piece:
            break
        pieces.append(piece)
        left -= len(piece)
    body = b"".join(pieces)
    if is_encoded(response) and body.startswith(GZIP):
        return inflated(inflater(), body, most, subject)
    return body
