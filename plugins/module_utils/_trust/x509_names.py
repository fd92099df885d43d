# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Names in certificates: of the subject, by which a signer is known, and of hosts (RFC 5280, section 4.2.1.6)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

# Go's validHostname. An underscore is no host's, but some certificates have it.
_LABEL = r"(?!-)[A-Za-z0-9_-]+"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?", re.ASCII)
_PATTERN = re.compile(rf"(?:\*|{_LABEL})(?:\.{_LABEL})*", re.ASCII)


@dataclass(frozen=True)
class AlternativeNames:
    """The subject's names by kind, as texts as they stand; ``addresses`` are IP addresses of 4 or 16 bytes.

    Kinds that nobody asks for are left out.
    """

    emails: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    addresses: tuple[bytes, ...] = ()

    @property
    def known(self) -> bool:
        """Whether there is a name of a kind that is known."""
        return bool(self.emails or self.hosts or self.uris or self.addresses)

    def has_host(self, wanted: str) -> bool:
        """Whether one of the names is the host ``wanted``, as Go's VerifyHostname sees it.

        Only names of hosts count, never the common name. Case is ignored, and ``*`` as the whole first label stands for
        any one label. An IP address is looked for among the addresses only.
        """
        address = _address(wanted)
        if address is not None:
            return address in self.addresses
        if not _HOST.fullmatch(wanted):
            return wanted not in ("", ".") and any(_lower(host) == _lower(wanted) for host in self.hosts)
        return any(_matches(host, wanted) for host in self.hosts)


def printable(text: str) -> str:
    """``text`` for people, with what is no letter or sign written as in Python."""
    return text if text.isprintable() else ascii(text)[1:-1]


def _address(text: str) -> bytes | None:
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        return ipaddress.ip_address(bare).packed
    except ValueError:
        return None


def _matches(pattern: str, wanted: str) -> bool:
    """Whether the name ``pattern`` of a certificate covers the valid host name ``wanted``."""
    host = _lower(wanted)
    if not _PATTERN.fullmatch(pattern):
        return _lower(pattern) == host
    # A dot at the end of what is wanted means the same host.
    labels, wildcards = host.rstrip(".").split("."), _lower(pattern).split(".")
    return wildcards[1:] == labels[1:] and wildcards[0] in ("*", labels[0])


def _lower(text: str) -> str:
    """Only ASCII changes, as in Go."""
    return re.sub("[A-Z]", lambda found: found.group().lower(), text)
