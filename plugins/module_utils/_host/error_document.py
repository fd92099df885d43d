# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Errors on their way out of a child process: as plain data, and back.

Tracebacks are not formatted: that would read source files, which a process with another root directory does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._errors import DataError, HostError, MissingLibraryError, RefusedError, RemoteError, StrataError, UsageError
from .os_errors import host_error

_FAMILIES = {family.__name__: family for family in (DataError, HostError, RefusedError, RemoteError, UsageError)}
_LIBRARY = MissingLibraryError.__name__
# A message from a child that someone else may have taken over is not read out at any length.
_LONGEST = 4096
_FRAMES = 4


def describe_error(error: BaseException, action: str) -> dict[str, str]:
    """``error`` as text values by name; ``action`` (as in "cannot <action>") says what an OSError stood in the way of."""
    if isinstance(error, MissingLibraryError):
        return {"family": _LIBRARY, "library": error.library, "reason": error.reason}
    if isinstance(error, OSError):
        error = host_error(error, action, "")
    elif isinstance(error, MemoryError):
        error = HostError(f"cannot {action}: more memory is needed than the process may use", code="no_memory")
    elif not isinstance(error, StrataError):
        error = HostError(f"cannot {action}: {type(error).__name__}: {error} ({_place(error)})", code="internal")
    family = next(name for name, family in _FAMILIES.items() if isinstance(error, family))
    return {"family": family, **error.facts()}


def revive_error(document: Mapping[str, Any]) -> StrataError:
    """The error that ``document`` describes; whatever is in it, this is an error of one of the families."""
    texts = {key: _text(document.get(key)) for key in ("message", "wanted", "found", "library", "reason", "code")}
    family = document.get("family")
    if family == _LIBRARY:
        return MissingLibraryError(texts["library"], texts["reason"])
    return _FAMILIES.get(str(family), HostError)(
        texts["message"],
        subject=_text(document.get("object")),
        wanted=texts["wanted"],
        found=texts["found"],
        code=texts["code"] or None,
    )


def _text(value: object) -> str:
    """Text that can be printed and encoded, whatever came."""
    text = value if isinstance(value, str) else ""
    return text[:_LONGEST].encode("utf-8", "backslashreplace").decode("utf-8")


def _place(error: BaseException) -> str:
    """Function and line of the innermost frames of ``error``."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        places.append(f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " ".join(places[-_FRAMES:])
