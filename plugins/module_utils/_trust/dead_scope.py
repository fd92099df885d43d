# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Scopes of a policy that are well-formed and speak of no image, so that their author believes in a rule that never holds.

containers/image accepts any text as a scope of a registry, and takes its names literally (containers-policy.json(5)).
"""

from __future__ import annotations

from .._model.reference import InvalidReference, Reference, parse_reference

_TRANSPORTS = frozenset(
    {
        *("atomic", "containers-storage", "dir", "docker", "docker-archive", "docker-daemon"),
        *("oci", "oci-archive", "ostree", "sif", "tarball"),
    }
)
_WILDCARD = "*."


def why_dead(transport: str, scope: str) -> str:
    """Why no image can ever be judged by the list of ``scope`` of ``transport``, in words; empty where one can."""
    if transport not in _TRANSPORTS:
        return f"{transport} is no transport that containers/image knows"
    if transport != "docker" or scope == "" or _speaks_of_images(scope):
        return ""
    return "no image in a registry has a name that it covers"


def _speaks_of_images(scope: str) -> bool:
    if scope.startswith(_WILDCARD):
        domain = scope[len(_WILDCARD) :]
        return _is_beginning(f"any.{domain}") and not any(sign in domain for sign in ":/")
    return _is_beginning(scope) or _is_image(scope)


def _is_beginning(scope: str) -> bool:
    """Whether names can begin with the host, namespace or repository ``scope``."""
    name = f"{scope}/any/image"
    reference = _parsed(name)
    return reference is not None and reference.name == name


def _is_image(scope: str) -> bool:
    """Whether ``scope`` is a full name with a tag or a digest, as an image that is asked for is called."""
    reference = _parsed(scope)
    if reference is None or (reference.tag is None) is (reference.digest is None):
        return False
    return str(reference) == scope


def _parsed(name: str) -> Reference | None:
    try:
        return parse_reference(name)
    except InvalidReference:
        return None
