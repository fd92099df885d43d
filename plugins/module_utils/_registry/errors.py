# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Refusals of a registry as errors of the engine: which object, which code word, and whether to ask again.

The body ``{"errors": [{"code", "message", "detail"}]}`` is defined by the OCI distribution-spec ("Error Codes"); which
refusals may pass is what containers/common (pkg/retry) decides. What a server writes is cut and stripped of control
characters before a person sees it.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, NamedTuple

from .._errors import RemoteError
from .._model.foreign_text import printable, without
from .._model.json_text import BadJson, parse_json

_PLAIN_BODY_LIMIT = 50
_PASSING_STATUS = frozenset({502, 503, 504})
_LASTING_STATUS = frozenset({401, 403})
_LASTING_CODES = frozenset({"UNAUTHORIZED", "DENIED", "NAME_UNKNOWN", "MANIFEST_UNKNOWN"})


class RegistryError(RemoteError):
    """The registry refused a request."""

    code = "registry_error"


class Unauthorized(RegistryError):
    """The registry wants other credentials, or any at all. Some answer so for a repository that does not exist."""

    code = "unauthorized"


class Denied(RegistryError):
    """The registry knows who asks and does not allow it. Some answer so for a repository that does not exist."""

    code = "denied"


class ManifestUnknown(RegistryError):
    """The repository has no such tag or manifest."""

    code = "manifest_unknown"


class NameUnknown(RegistryError):
    """The registry has no such repository."""

    code = "name_unknown"


class BlobUnknown(RegistryError):
    """The repository has no such blob."""

    code = "blob_unknown"


class RateLimited(RegistryError):
    """The registry wants fewer requests."""

    code = "rate_limited"


class NotARegistry(RemoteError):
    """The server answers, and not as a registry."""

    code = "not_a_registry"


class Entry(NamedTuple):
    """One error of a body: the registry's own code word (``MANIFEST_UNKNOWN``) and its text; either may be empty."""

    code: str
    message: str

    def text(self) -> str:
        """``code: message`` for people, and only once where both say the same."""
        words = self.code.lower().replace("_", " ")
        if not words or not self.message or words == self.message.lower():
            return self.message or words
        return f"{words}: {self.message}"


_LEAVES: dict[str, type[RegistryError]] = {
    "UNAUTHORIZED": Unauthorized,
    "DENIED": Denied,
    "MANIFEST_UNKNOWN": ManifestUnknown,
    "NAME_UNKNOWN": NameUnknown,
    "BLOB_UNKNOWN": BlobUnknown,
    "TOOMANYREQUESTS": RateLimited,
}
_LEAVES_BY_STATUS: dict[int, type[RegistryError]] = {401: Unauthorized, 403: Denied, 429: RateLimited}


def read_entries(body: bytes, secrets: Iterable[str] = ()) -> tuple[Entry, ...]:
    """The errors that ``body`` lists, without ``secrets``; none where it is not such a list."""
    value = _json(body)
    errors = value.get("errors") if isinstance(value, dict) else None
    if not isinstance(errors, list):
        return ()
    return tuple(
        Entry(_shown(error, "code", secrets), _shown(error, "message", secrets))
        for error in errors
        if isinstance(error, dict)
    )


def registry_error(
    status: int,
    body: bytes,
    *,
    subject: str,
    not_found: type[RegistryError] = RegistryError,
    prefix: str = "",
    suffix: str = "",
    secrets: Iterable[str] = (),
) -> RegistryError:
    """The error that an answer with ``status`` and ``body`` means for ``subject``.

    ``not_found`` is the leaf of a 404 whose body does not say what is missing: registries disagree on that code word.
    ``prefix`` and ``suffix`` stand around the registry's own text. ``secrets`` are what it must not repeat to us.
    """
    secrets = tuple(secrets)
    entries = read_entries(body, secrets)
    leaf = _leaf(status, entries, not_found)
    text = entries[0].text() if entries else _text_without_entries(status, body, secrets)
    return leaf(
        f"{prefix}{text or status_text(status)}{suffix}",
        subject=subject,
        status=status,
        retryable=_retryable(status, entries, leaf),
    )


def status_text(status: int) -> str:
    """``404 Not Found`` for 404; the number alone where HTTP gives it no name."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _leaf(status: int, entries: tuple[Entry, ...], not_found: type[RegistryError]) -> type[RegistryError]:
    for entry in entries:
        if entry.code in _LEAVES:
            return _LEAVES[entry.code]
    if status == 404:
        return not_found
    return _LEAVES_BY_STATUS.get(status, RegistryError)


def _retryable(status: int, entries: tuple[Entry, ...], leaf: type[RegistryError]) -> bool:
    if status in _PASSING_STATUS:
        return True
    # Whatever the body of these says: containers/image does not look at it either (docker/errors.go).
    if status in _LASTING_STATUS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return False
    if not entries or leaf in (Unauthorized, Denied, ManifestUnknown, NameUnknown):
        return False
    return all(entry.code not in _LASTING_CODES for entry in entries)


def _text_without_entries(status: int, body: bytes, secrets: Iterable[str]) -> str:
    """What a body says that is no list of errors: token services and proxies answer in forms of their own."""
    value = _json(body)
    if isinstance(value, dict):
        # Google's services put it one floor deeper.
        value = value["error"] if isinstance(value.get("error"), dict) else value
        for name in ("error_description", "message", "details", "detail", "error"):
            text = _shown(value, name, secrets)
            if text:
                return f"{status_text(status)}: {text}"
    if value is not None or status >= 500 or not body.strip():
        return f"unexpected HTTP status {status_text(status)}"
    start = printable(without(body.decode("utf-8", "replace"), secrets), _PLAIN_BODY_LIMIT)
    return f'unexpected HTTP status {status_text(status)}, "{start}"'


def _json(body: bytes) -> Any:
    try:
        return parse_json(body, "error body")
    except BadJson:
        return None


def _shown(value: dict[str, Any], name: str, secrets: Iterable[str]) -> str:
    text = value.get(name)
    return printable(without(text, secrets)) if isinstance(text, str) else ""
