# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""signedIdentity: which names in a signature are acceptable for an image (containers-policy.json(5))."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._model.reference import InvalidReference, parse_reference
from .strict import Place, as_object, as_text

MATCH_REPO_DIGEST_OR_EXACT = "matchRepoDigestOrExact"

# The fields of each type beside ``type``.
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "matchExact": (),
    MATCH_REPO_DIGEST_OR_EXACT: (),
    "matchRepository": (),
    "exactReference": ("dockerReference",),
    "exactRepository": ("dockerRepository",),
    "remapIdentity": ("prefix", "signedPrefix"),
}
_HOST = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*(?::[0-9]+)?"
)


@dataclass(frozen=True)
class Identity:
    """A rule about names: its type and the names that it is given."""

    type: str
    names: tuple[str, ...] = ()


def parse_identity(value: Any, place: Place) -> Identity:
    """The rule in ``value``. Raises InvalidPolicy."""
    known = {"type", *(name for names in _FIELDS.values() for name in names)}
    fields = as_object(value, place, known)
    kind = as_text(fields.get("type"), place.key("type"))
    if kind not in _FIELDS:
        raise place.key("type").error("unknown type of identity", kind)
    as_object(value, place, {"type", *_FIELDS[kind]})
    names = tuple(as_text(fields.get(name), place.key(name)) for name in _FIELDS[kind])
    _check_names(kind, names, place)
    return Identity(kind, names)


def _check_names(kind: str, names: tuple[str, ...], place: Place) -> None:
    for field, name in zip(_FIELDS[kind], names):
        where = place.key(field)
        if kind == "remapIdentity":
            if not _is_prefix(name):
                raise where.error("this is no host or repository", name)
            continue
        try:
            reference = parse_reference(name)
        except InvalidReference as error:
            raise where.error(error.message, name) from error
        if kind == "exactReference" and not reference.tag and not reference.digest:
            raise where.error("this reference needs a tag or a digest", name)


def _is_prefix(name: str) -> bool:
    """A host with or without port, or a repository without tag and digest."""
    if _HOST.fullmatch(name):
        return True
    try:
        reference = parse_reference(name)
    except InvalidReference:
        return False
    return not reference.tag and not reference.digest and name == reference.name
