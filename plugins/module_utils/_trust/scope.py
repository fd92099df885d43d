# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Scopes: the parts of a transport's name space that a policy speaks of (containers-policy.json(5)).

Sources: containers/image, ``docker/policyconfiguration`` and the ``ValidatePolicyConfigurationScope`` of each transport.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .._model.digest import Digest, InvalidDigest
from .._model.reference import Reference

_ATOMIC = re.compile(r"[^/]*(?:/[^:/]*(?:/[^:/]*(?::[^:/]*)?)?)?", re.ASCII)


def docker_scopes(reference: Reference) -> tuple[str, ...]:
    """The scopes that speak of the image ``reference`` in a registry, the one to prefer first.

    The reference itself, its repository, each parent, the host with its port, ``*.`` with each parent domain of the host
    without its port, and the empty scope of the whole transport. A tag beside a digest is dropped, as podman does.
    """
    identity = reference.digest_only().with_default_tag()
    parts = reference.name.split("/")
    parents = ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]
    labels = reference.domain.partition(":")[0].split(".")
    wildcards = ["*." + ".".join(labels[start:]) for start in range(1, len(labels))]
    return (str(identity), *parents, *wildcards, "")


def path_scopes(path: str) -> tuple[str, ...]:
    """The scopes that speak of an image in ``path``, the one to prefer first: of ``dir``, ``oci``, ``oci-archive``, ``sif``.

    The path itself, each directory above it but the root, and the empty scope of the whole transport. ``path`` is absolute,
    and without symbolic links.
    """
    scopes = []
    while path and path != "/":
        scopes.append(path)
        path = path.rpartition("/")[0]
    return (*scopes, "")


def nameless_scopes() -> tuple[str, ...]:
    """The scopes of images that a transport knows no names of: archives of Docker, ``tarball``, IDs of ``docker-daemon``."""
    return ("",)


def storage_scopes(driver: str, root: str, reference: Reference | None, image_id: str = "") -> tuple[str, ...]:
    """The scopes that speak of an image of the store ``root`` of ``driver``, the one to prefer first.

    The name with the ID, without it, without the digest beside a tag, the repository, each parent, the host, then the store,
    with its driver and without, and the empty scope. ``reference`` is None for an image by its ID alone.
    """
    store, names = f"[{driver}@{root}]", []
    if reference is not None:
        parts = reference.name.split("/")
        names = [str(reference)] if image_id else []
        if reference.tag is not None and reference.digest is not None:
            names.append(f"{reference.name}:{reference.tag}")
        names += ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]
    identity = f"{reference or ''}{f'@{image_id}' if image_id else ''}"
    return (store + identity, *(store + name for name in names), store, f"[{root}]", "")


def valid_scope(transport: str, scope: str) -> bool:
    """Whether a policy may speak of ``scope`` of ``transport``. The empty scope, and any of an unknown transport, may."""
    check = _CHECKS.get(transport)
    return scope == "" or check is None or check(scope)


def _no_scope(_scope: str) -> bool:
    return False


def _is_clean_path(scope: str) -> bool:
    """Absolute, not the root itself (that is the empty scope), and as Go's filepath.Clean leaves it."""
    parts = scope.split("/")[1:]
    return scope.startswith("/") and not any(part in ("", ".", "..") for part in parts)


def _is_no_digest(scope: str) -> bool:
    return not _is_digest(scope)


def _is_atomic(scope: str) -> bool:
    return _ATOMIC.fullmatch(scope) is not None


def _is_storage(scope: str) -> bool:
    """``[driver@/root]`` or ``[/root]``, then a name with digest, image ID or both, if anything."""
    if not scope.startswith("[") or "]" not in scope:
        return False
    store, _bracket, name = scope[1:].partition("]")
    driver, at, root = store.partition("@")
    if not driver:
        return False
    if not (root if at else driver).startswith("/"):
        return False
    _name, *identifiers = name.split("@", 2)
    if len(identifiers) == 2:
        return _is_digest(identifiers[0]) and _is_image_id(identifiers[1])
    return all(_is_image_id(text) or _is_digest(text) for text in identifiers)


def _is_image_id(text: str) -> bool:
    return _is_digest(f"sha256:{text}")


def _is_digest(text: str) -> bool:
    try:
        Digest.parse(text)
    except InvalidDigest:
        return False
    return True


_CHECKS: dict[str, Callable[[str], bool]] = {
    "atomic": _is_atomic,
    "containers-storage": _is_storage,
    "dir": _is_clean_path,
    "docker-archive": _no_scope,
    "docker-daemon": _is_no_digest,
    "oci": _is_clean_path,
    "oci-archive": _is_clean_path,
    "sif": _is_clean_path,
    "tarball": _no_scope,
}
