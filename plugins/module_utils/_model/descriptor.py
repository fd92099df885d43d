# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""A pointer to a blob or manifest: media type, digest and size (OCI image-spec, descriptor.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._errors import DataError
from .digest import Digest, InvalidDigest
from .json_object import JsonObject, shown
from .platform import Platform

# How long a blob is whose length nobody has said, in the words of containers/image.
UNKNOWN_SIZE = -1

_USUAL_KEYS = ("mediaType", "digest", "size")
_KEYS = (*_USUAL_KEYS, "urls", "annotations", "platform")
_PLATFORM_KEYS = ("os", "architecture", "variant")


class InvalidDescriptor(DataError):
    """A descriptor lacks a field or has one of the wrong type."""

    code = "invalid_manifest"


class AmbiguousDescriptor(InvalidDescriptor):
    """A descriptor that readers understand differently."""

    code = "ambiguous_manifest"


@dataclass(frozen=True)
class Descriptor:
    """Where a blob is and what it must be.

    ``size`` is in bytes, UNKNOWN_SIZE where schema 1 does not tell it. ``platform`` is for entries of an index. ``fields`` are
    all keys as received, unknown ones too.
    """

    media_type: str
    digest: Digest
    size: int
    urls: tuple[str, ...] = ()
    # Maps have no hash; digest and size tell descriptors apart well enough.
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    platform: Platform | None = None
    fields: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def known_size(self) -> int | None:
        """The size, None where it is not known."""
        return None if self.size == UNKNOWN_SIZE else self.size

    @classmethod
    def from_json(cls, value: Any, where: str) -> Descriptor:
        """The descriptor that the JSON object ``value`` holds; ``where`` says in errors which one it is.

        Raises InvalidDescriptor and AmbiguousDescriptor.
        """
        parts = JsonObject(value, where, InvalidDescriptor)
        parts.refuse_look_alikes(_KEYS, AmbiguousDescriptor)
        if len(parts.value) == len(_USUAL_KEYS):
            # As nearly all are: unless one of the three is missing, there is nothing else.
            return cls(parts.text("mediaType"), _digest(parts), parts.size("size"), fields=parts.value)
        return cls(
            media_type=parts.text("mediaType"),
            digest=_digest(parts),
            size=parts.size("size"),
            urls=parts.texts("urls"),
            annotations=parts.text_map("annotations"),
            platform=_platform(parts),
            fields=parts.value,
        )


def _digest(parts: JsonObject) -> Digest:
    text = parts.text("digest")
    try:
        return Digest.parse(text)
    except InvalidDigest as error:
        raise InvalidDescriptor(error.message, subject=parts.place("digest"), found=shown(text)) from error  # pylint: disable=bad-exception-cause


def _platform(parts: JsonObject) -> Platform | None:
    value = parts.value.get("platform")
    if value is None:
        return None
    words = JsonObject(value, parts.place("platform"), InvalidDescriptor)
    words.refuse_look_alikes(_PLATFORM_KEYS, AmbiguousDescriptor)
    return Platform(words.optional_text("os"), words.optional_text("architecture"), words.optional_text("variant"))
