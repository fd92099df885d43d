# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Connections that fail, as errors of the engine: told in the words of the innermost fault, never of its wrappers.

The texts of HTTP libraries quote whole addresses, whose queries may be signatures; ours name the host alone.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import Any

from .._errors import RemoteError

# As containers/common (pkg/retry) has them.
_PASSING_ERRNOS = frozenset(
    {
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.ECONNABORTED,
        errno.EPIPE,
        errno.ETIMEDOUT,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ENETRESET,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.EINTR,
        errno.EAGAIN,
        errno.EBUSY,
    }
)


class RegistryUnreachable(RemoteError):
    """No answer came: no such host, no connection, or silence."""

    code = "registry_unreachable"


class TlsFailed(RemoteError):
    """The server does not prove to be who it should be, or TLS cannot be agreed on."""

    code = "tls_failed"


class PlainHttpAnswer(TlsFailed):
    """The server speaks http where https was wanted."""


class HeaderTooLarge(RemoteError):
    """The header of an answer has more lines, or a longer one, than is read."""

    code = "too_large"


class ConnectionLost(RemoteError):
    """The body of an answer ended early."""

    code = "connection_lost"


class EarlyEnd(ConnectionLost):
    """The server closed the connection in order, before the body was whole.

    Never retryable, as containers/common has it (pkg/retry): a reset may pass, a server that stops in order will do it again.
    """


def system_fault(cause: BaseException, host: str) -> RemoteError | None:
    """The error that the operating system's failure ``cause`` means for a request to ``host``; None for another cause."""
    if not isinstance(cause, OSError) or not cause.errno:
        return None
    return RegistryUnreachable(os.strerror(cause.errno), subject=host, retryable=cause.errno in _PASSING_ERRNOS)


def causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and all it wraps, outermost first: urllib3 keeps causes in four places."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        cause = waiting.pop(0)
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        waiting += [getattr(cause, "reason", None), *cause.args, cause.__cause__, cause.__context__]
