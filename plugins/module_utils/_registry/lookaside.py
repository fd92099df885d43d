# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Signatures that lie apart from their registry, in files or on a web server (containers-registries.d(5)).

Below the address of registries.d the first one of an image is ``<repository>@<algorithm>=<hex>/signature-1``; they are
numbered without a gap, and the first that is missing ends them. Whatever else goes wrong is an error: a server that is in
trouble must not look like one that has no more.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from .._errors import HostError
from .._host.atomic_files import read_file
from .._model.digest import Digest
from .body import read_body, read_error_body
from .errors import registry_error
from .failures import RegistryUnreachable
from .http import HttpClient
from .retry import Clock, send_patiently
from .signature_limits import SIGNATURE_LIMIT, require_few
from .urls import redacted

if TYPE_CHECKING:
    from .._model.signature import Signature

# What Go leaves as it is in the path of an address; Python leaves letters, digits and -._~ besides.
_PLAIN_IN_PATHS = "/$&+,:;=@"


class BadLookaside(HostError):
    """The address that registries.d gives is none where signatures can lie."""

    code = "bad_lookaside"


def read_lookaside(base: str, repository: str, digest: Digest, http: HttpClient, clock: Clock) -> tuple[Signature, ...]:
    """The signatures of the manifest ``digest`` below the address ``base``, in their order.

    ``repository`` is the path of the image's name, without the host. A server is asked over ``http``, with its trust and
    without anybody's credentials; a redirect leads neither to a file nor from https to http. Raises BadLookaside,
    InvalidSignatureBlob, TooManySignatures, BodyTooLarge, FileTooLarge, HostError, and what a request raises.
    """
    found: list[Signature] = []
    while True:
        where = _address(base, repository, digest, len(found) + 1)
        blob = read_file(where, SIGNATURE_LIMIT) if where.startswith("/") else _fetch(where, http, clock)
        if blob is None:
            return tuple(found)
        from .._model.signature import parse_signature

        found.append(parse_signature(blob, where if where.startswith("/") else redacted(where)))
        require_few(len(found), redacted(base))


def _address(base: str, repository: str, digest: Digest, number: int) -> str:
    """Where signature ``number`` lies: a path, or an address of http or https."""
    try:
        parts = urlsplit(base)
    except ValueError:
        parts = urlsplit("")
    # Any bytes may be in it, in UTF-8 or not.
    directory = unquote(parts.path, errors="surrogateescape")
    path = f"{directory}/{repository}@{digest.algorithm}={digest.hex}/signature-{number}"
    if parts.scheme == "file" and parts.path.startswith("/") and "\0" not in path:
        return path
    if parts.scheme in ("http", "https") and parts.netloc:
        quoted = quote(path, safe=_PLAIN_IN_PATHS, errors="surrogateescape")
        return urlunsplit((parts.scheme, parts.netloc, quoted, parts.query, ""))
    raise BadLookaside(
        "signatures cannot be read from this address", subject=redacted(base), wanted="file:///, https:// or http://"
    )


def _fetch(url: str, http: HttpClient, clock: Clock) -> bytes | None:
    """The body at ``url``, None for 404."""
    try:
        answer = send_patiently(lambda: http.request("GET", url, may_downgrade=False), clock)
    except RegistryUnreachable as error:
        # The registry answers, and its address would be looked at in vain.
        raise RegistryUnreachable(  # pylint: disable=bad-exception-cause
            f"reading a signature: {error.message}", subject=redacted(url), retryable=error.retryable, code=error.code
        ) from error
    with answer as response:
        if response.status == HTTPStatus.NOT_FOUND:
            # Reading the little body keeps the connection for what is asked next.
            read_error_body(response)
            return None
        if response.status != HTTPStatus.OK:
            body = read_error_body(response)
            raise registry_error(response.status, body, subject=redacted(url), prefix="reading a signature: ")
        return read_body(response, SIGNATURE_LIMIT, redacted(url))
