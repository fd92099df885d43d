# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Which image or name a person means by what they typed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Optional, Union

from .._errors import UsageError
from .._model.reference import ImageIdGiven, InvalidReference, Reference, names_registry, parse_reference, with_tag
from .._model.short_name import ShortName, parse_short_name
from .._storage.catalog import AmbiguousName, Catalog, ReadOnlyImage, UnknownImage
from .._storage.records import ImageRecord

if TYPE_CHECKING:
    from .._config.short_names import ShortNames

_TRANSPORT = "docker://"
_SHA256 = "sha256:"
_HEX = re.compile(r"[a-f0-9]{64}", re.ASCII)


class TagGivenTwice(UsageError):
    """A tag stands in the name and in the option beside it."""

    code = "tag_given_twice"


@dataclass(frozen=True)
class ImageId:
    """An image by its ID: 64 hexadecimal digits."""

    hex: str

    def __str__(self) -> str:
        return self.hex


# What a person may name an image by.
ImageName = Union[Reference, ShortName, ImageId]


@dataclass(frozen=True)
class LocalMatch:
    """An image of the store, and the full name by which it was found (None: by its ID, or by a digest alone)."""

    image: ImageRecord
    name: Optional[Reference]


def image_name(text: str, tag: str | None = None) -> ImageName:
    """What ``text`` is: a full name (with its default tag), a short name, or an image ID.

    ``docker://`` before a name makes it a full one, in docker.io where it names no registry. Of a name with tag and
    digest the digest decides and the tag is dropped, as in podman. ``tag`` is for a name that has neither. Raises
    InvalidReference, ImageIdGiven (for an ID with ``tag``, or half of one) and TagGivenTwice.
    """
    if text.startswith(_SHA256) or _HEX.fullmatch(text):
        return _image_id(text, tag)
    if text.startswith(_TRANSPORT):
        return remote_reference(text, tag)
    return parse_short_name(_with_tag(text, tag)) or remote_reference(text, tag)


def remote_reference(text: str, tag: str | None = None) -> Reference:
    """The full reference of an image in a registry, that of docker.io where ``text`` names none; else as image_name."""
    bare = text[len(_TRANSPORT) :] if text.startswith(_TRANSPORT) else text
    return parse_reference(_with_tag(bare, tag)).digest_only().with_default_tag()


def local_name(text: str) -> Reference:
    """The full reference under which an image is named locally: an unqualified name belongs to ``localhost``, as in podman."""
    reference = parse_reference(text if names_registry(text) else f"localhost/{text}")
    return reference.digest_only().with_default_tag()


def match_image(catalog: Catalog, text: str, short_names: Callable[[], ShortNames]) -> LocalMatch:
    """The image that ``text`` means (a name, an ID, a unique prefix of an ID, or a digest), and the name by which it does.

    An ID is tried first, then names in podman's order, then the rest. ``short_names`` is called where ``text`` may be a
    short name, and raises what it raises. Raises UnknownImage, and AmbiguousName with the candidates.
    """
    try:
        name = image_name(text)
    except InvalidReference:
        # No name, but it may be the beginning of an ID.
        return LocalMatch(catalog.image(text), None)
    match = None if isinstance(name, ImageId) else find_locally(catalog, name, short_names)
    return match or LocalMatch(catalog.image(text), None)


def find_image(catalog: Catalog, text: str, short_names: Callable[[], ShortNames]) -> ImageRecord:
    """The image that ``text`` means, and nothing else; as match_image."""
    return match_image(catalog, text, short_names).image


def ensure_changeable(image: ImageRecord, text: str) -> None:
    """Raises ReadOnlyImage for an image of an additional store, which ``text`` means."""
    if image.store:
        raise ReadOnlyImage(
            "the image lies in an additional image store, which is never written to", subject=text, found=image.store
        )


def knows_image(catalog: Catalog, text: str, short_names: Callable[[], ShortNames]) -> ImageRecord | None:
    """As find_image, with None for an image that is not there."""
    try:
        return find_image(catalog, text, short_names)
    except UnknownImage:
        return None


def find_locally(
    catalog: Catalog, name: Reference | ShortName, short_names: Callable[[], ShortNames]
) -> LocalMatch | None:
    """The image of the store that ``name`` means, None where there is none.

    For a short name in podman's order: each candidate, then the beginning of one ID, then the first image whose name ends
    in it. Raises what ``short_names`` raises.
    """
    candidates = (name,) if isinstance(name, Reference) else short_names().local_candidates(name)
    for candidate in candidates:
        image = catalog.image_named(str(candidate))
        if image is not None:
            return LocalMatch(image, candidate)
    if isinstance(name, Reference):
        return _with_digest(catalog, name)
    return _with_id_prefix(catalog, name) or _ending_in(catalog, name)


def _image_id(text: str, tag: str | None) -> ImageId:
    digits = text[len(_SHA256) :] if text.startswith(_SHA256) else text
    if not _HEX.fullmatch(digits):
        raise ImageIdGiven(
            "this looks like an image ID and is none", subject=text, wanted="64 hexadecimal digits", found=digits
        )
    if tag:
        raise ImageIdGiven("an image ID has no tag; leave out the option tag", subject=text, found=tag)
    return ImageId(digits)


def _with_tag(text: str, tag: str | None) -> str:
    """``text`` with ``tag``, which it must not have yet."""
    reference = parse_reference(text)
    if not tag:
        return text
    if reference.tag or reference.digest:
        raise TagGivenTwice(
            "the name has a tag or digest of its own; leave out the option tag", subject=text, found=tag
        )
    return with_tag(text, tag)


def _with_digest(catalog: Catalog, name: Reference) -> LocalMatch | None:
    """An image of the repository of ``name`` that has its digest, under whatever tag."""
    if name.digest is None:
        return None
    for image in catalog.images:
        if str(name.digest) in image.manifest_digests and any(full.name == name.name for full in _names(image)):
            return LocalMatch(image, None)
    return None


def _with_id_prefix(catalog: Catalog, name: ShortName) -> LocalMatch | None:
    if name.tag or name.digest or not re.fullmatch("[a-f0-9]+", name.path, re.ASCII):
        return None
    try:
        return LocalMatch(catalog.image(name.path), None)
    except (UnknownImage, AmbiguousName):
        return None


def _ending_in(catalog: Catalog, name: ShortName) -> LocalMatch | None:
    wanted = name.tag or "latest"
    for image in catalog.images:
        for full in _names(image):
            if not name.ends(full):
                continue
            if name.digest and str(name.digest) in image.manifest_digests:
                return LocalMatch(image, None)
            if not name.digest and full.tag == wanted:
                return LocalMatch(image, full)
    return None


def _names(image: ImageRecord) -> list[Reference]:
    """The names of a record that are references; other tools may have written others."""
    names = []
    for text in image.names:
        try:
            names.append(parse_reference(text))
        except InvalidReference:
            continue
    return names
