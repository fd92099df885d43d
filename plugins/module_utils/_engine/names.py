# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Which image or name a person means by what they typed."""

from __future__ import annotations

from .._errors import UsageError
from .._model.reference import InvalidReference, Reference, parse_reference
from .._storage.catalog import Catalog, UnknownImage
from .._storage.records import ImageRecord

_TRANSPORT = "docker://"


class TagGivenTwice(UsageError):
    """A tag stands in the name and in the option beside it."""

    code = "tag_given_twice"


def remote_reference(text: str, tag: str | None = None) -> Reference:
    """The full reference of an image in a registry, with its default tag.

    ``text`` may start with ``docker://``. Of a name with tag and digest the digest decides and the tag is dropped, as in
    podman. ``tag`` is for a name that has neither. Raises InvalidReference and TagGivenTwice.
    """
    reference = parse_reference(text[len(_TRANSPORT) :] if text.startswith(_TRANSPORT) else text)
    if tag:
        if reference.tag or reference.digest:
            raise TagGivenTwice(
                "the name has a tag or digest of its own; leave out the option tag", subject=text, found=tag
            )
        reference = parse_reference(f"{reference}:{tag}")
    return reference.digest_only().with_default_tag()


def local_name(text: str) -> Reference:
    """The full reference under which an image is named locally: an unqualified name belongs to ``localhost``, as in podman."""
    reference = parse_reference(text if _is_qualified(text) else f"localhost/{text}")
    return reference.digest_only().with_default_tag()


def find_image(catalog: Catalog, text: str) -> ImageRecord:
    """The image that ``text`` names: a name, an ID, a unique prefix of an ID, or a digest.

    Names are tried first, in podman's order (``localhost/`` before docker.io for an unqualified one). Raises
    UnknownImage, and AmbiguousName with the candidates.
    """
    for name in _candidates(text):
        image = catalog.image_named(name)
        if image is not None:
            return image
    return catalog.image(text)


def knows_image(catalog: Catalog, text: str) -> ImageRecord | None:
    """As find_image, with None for an image that is not there."""
    try:
        return find_image(catalog, text)
    except UnknownImage:
        return None


def _candidates(text: str) -> list[str]:
    """Full names that ``text`` may stand for; none where it is no reference at all."""
    bare = text[len(_TRANSPORT) :] if text.startswith(_TRANSPORT) else text
    names = []
    for make in (local_name, remote_reference):
        try:
            names.append(str(make(bare)))
        except InvalidReference:
            continue
    return names


def _is_qualified(text: str) -> bool:
    first, slash, _rest = text.partition("/")
    return bool(slash) and ("." in first or ":" in first or first == "localhost")
