# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The name of a login: a registry, or a namespace of one (podman-login(1))."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .._errors import UsageError
from .reference import InvalidReference, parse_reference

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?", re.ASCII)
_DIGEST = re.compile(r"[a-z0-9+._-]+:[0-9a-fA-F]+", re.ASCII)
_LIMIT = 255


class InvalidLoginName(UsageError):
    """The text is no registry that one can log in to."""

    code = "invalid_registry"


@dataclass(frozen=True)
class LoginName:
    """``key`` is what stands in the files, ``host`` the registry, with its port if any."""

    key: str
    host: str

    @property
    def namespaced(self) -> bool:
        """Whether the login is for a part of the registry only."""
        return self.key != self.host


def parse_login_name(text: str) -> LoginName:
    """The login that ``text`` names, ``host[:port]`` or ``host[:port]/namespace[/...]``.

    Raises InvalidLoginName for anything else, as for one with a scheme, a tag or a digest.
    """
    if "://" in text:
        raise _invalid(text, "a registry is named without a scheme such as https://")
    host, slash, path = text.partition("/")
    if not _HOST.fullmatch(host) or len(text) > _LIMIT:
        raise _invalid(text, "this is no name of a registry")
    if not slash:
        return LoginName(host, host)
    try:
        reference = parse_reference(text)
    except InvalidReference as error:
        raise _invalid(text, f"this is no namespace of a registry: {error.message}") from error  # pylint: disable=bad-exception-cause
    if reference.tag or reference.digest:
        raise _invalid(text, "credentials are for a registry or a namespace, not for a tag or a digest")
    if reference.name != text:
        # docker.io/busybox means docker.io/library/busybox, and a/b a repository of docker.io.
        raise _invalid(text, f"written out, this is {reference.name}; use that, or the registry alone")
    return LoginName(text, host)


def _invalid(text: str, message: str) -> InvalidLoginName:
    shown = _without_password(text[:_LIMIT])
    return InvalidLoginName(
        f"{message} (a login is for host[:port] or host[:port]/namespace)",
        subject=shown if shown.isprintable() else repr(shown),
    )


def _without_password(text: str) -> str:
    """``text`` without what may be a user and a password before a host."""
    head, at, tail = text.rpartition("@")
    return text if not head or _DIGEST.fullmatch(tail) else f"***{at}{tail}"
