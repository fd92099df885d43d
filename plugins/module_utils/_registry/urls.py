# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Addresses that another host hands to us: checked, compared by origin, shown without their secrets (RFC 3986)."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from .._errors import RemoteError

_DEFAULT_PORTS = {"http": 80, "https": 443}
# Parsers disagree about what these mean, so that the host we check need not be the host that is asked.
_DOUBTFUL = re.compile(r"[\x00-\x20\\\x7f]")
_UP_TO_HOST = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*")


class BadAddress(RemoteError):
    """An address, mostly one that a server named, is not one that can be asked."""

    code = "bad_address"


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an http or https address, in lower case and with the default port filled in.

    Raises BadAddress for any other scheme, for user information, and for what different parsers read differently.
    """
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), (parts.hostname or "").lower(), parts.port
    except ValueError:
        scheme, host, port = "", "", None
    if scheme not in _DEFAULT_PORTS or not host or "@" in parts.netloc or _DOUBTFUL.search(url):
        raise BadAddress(
            "an address that cannot be asked",
            subject=redacted(url),
            wanted="http or https, a host, and no user information",
        )
    return scheme, host, _DEFAULT_PORTS[scheme] if port is None else port


def resolved(base: str, location: str) -> str:
    """The absolute address that ``location`` means in an answer to a request for ``base``. Raises BadAddress."""
    try:
        url = urljoin(base, without_spaces(location))
    except ValueError:
        url = location
    origin(url)
    return url


def without_spaces(url: str) -> str:
    """``url`` as it can be asked where a server forgot to escape spaces behind the host, as Go's client reads it too."""
    url = url.strip(" ")
    start = _UP_TO_HOST.match(url)
    end = start.end() if start else 0
    return url[:end] + url[end:].replace(" ", "%20")


def redacted(url: str) -> str:
    """``url`` for messages: without user information, query and fragment, which may hold signatures and tokens."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(an address that cannot be read)"
    host = parts.netloc.rpartition("@")[2]
    address = f"{parts.scheme}://{host}{parts.path}" if parts.scheme else f"{host}{parts.path}"
    return "".join(character if character.isprintable() else "?" for character in address[:500])
