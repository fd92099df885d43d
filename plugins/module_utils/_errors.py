# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The one error root of the engine, and its families by whose fault an error is.

Every error that leaves the engine is one of these. Precise leaves are defined beside the code that raises them:

    StrataError
    ├── UsageError      the request is wrong: a malformed reference, an unknown container
    ├── RemoteError     another host did not do what its protocol asks: unreachable, not a registry, 401, 404
    ├── DataError       bytes from outside are wrong: a digest, a tar header, a manifest, a compressed stream
    ├── RefusedError    the bytes are right and the policy says no
    └── HostError       this host is in the way: rights, kernel, file system, configuration, a damaged store
        └── MissingLibraryError
"""

from __future__ import annotations

from typing import Any


class StrataError(Exception):
    """What went wrong with which object, in one sentence, with a stable code word.

    ``code`` is a lower-case word with underscores on which playbooks may rely. ``subject`` names the object, ``wanted``
    and ``found`` are the two sides of a comparison; all three are text without secrets and may be empty.
    """

    code = "error"

    def __init__(
        self, message: str, *, subject: str = "", wanted: str = "", found: str = "", code: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.subject = subject
        self.wanted = wanted
        self.found = found
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        text = f"{self.subject}: {self.message}" if self.subject else self.message
        if self.wanted:
            text += f" (wanted {self.wanted}, found {self.found or 'nothing'})"
        elif self.found:
            text += f" (found {self.found})"
        return text

    def facts(self) -> dict[str, Any]:
        """The error as data for a result: ``code``, ``message``, ``object``, ``wanted``, ``found``, each a text."""
        return {
            "code": self.code,
            "message": self.message,
            "object": self.subject,
            "wanted": self.wanted,
            "found": self.found,
        }


class UsageError(StrataError):
    """The request cannot be done as it was put."""

    code = "usage"


class RemoteError(StrataError):
    """Another host could not be asked, or did not answer as its protocol says.

    ``status`` is the HTTP status (None where there was no answer); ``retryable`` tells whether the same request may
    succeed later.
    """

    code = "remote"

    def __init__(
        self,
        message: str,
        *,
        subject: str = "",
        wanted: str = "",
        found: str = "",
        code: str | None = None,
        status: int | None = None,
        retryable: bool = False,
    ) -> None:
        super().__init__(message, subject=subject, wanted=wanted, found=found, code=code)
        self.status = status
        self.retryable = retryable

    def facts(self) -> dict[str, Any]:
        """As for every error, with the HTTP ``status`` (None where there was no answer)."""
        return {**super().facts(), "status": self.status}


class DataError(StrataError):
    """Bytes from outside are not what they claim to be."""

    code = "bad_data"


class RefusedError(StrataError):
    """The signature policy says no."""

    code = "refused"


class HostError(StrataError):
    """This host cannot do it: rights, kernel, file system, configuration or a damaged store."""

    code = "host"


class MissingLibraryError(HostError):
    """A Python library that this input needs is not installed on the target.

    ``library`` is its name on the package index and ``reason`` says what needed it.
    """

    code = "missing_library"

    def __init__(self, library: str, reason: str) -> None:
        super().__init__(f"the Python library {library} is needed {reason}", subject=library)
        self.library = library
        self.reason = reason
