# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The records of a store, as containers/storage keeps them in JSON: layers, images, containers and mount counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from .json_record import (
    FieldTest,
    Record,
    is_count,
    is_count_list,
    is_count_map,
    is_id_map,
    is_map,
    is_text,
    is_text_list,
    is_text_map,
)

# What Go writes for a time that was never set.
UNKNOWN_TIME = "0001-01-01T00:00:00Z"


class NamedRecord(Record):
    """What layers, images and containers have in common."""

    __slots__ = ()
    ALWAYS: ClassVar[Mapping[str, Any]] = {"id": "", "created": UNKNOWN_TIME}

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in the order of the tool that gave them."""
        return self._texts("names")

    @property
    def metadata(self) -> str:
        """Text of the tool that made the record; JSON where podman made it."""
        return self._text("metadata")

    @property
    def created(self) -> str:
        """The time of creation as RFC 3339 text, ``0001-01-01T00:00:00Z`` where unknown."""
        return self._text("created") or UNKNOWN_TIME

    @property
    def flags(self) -> dict[str, Any]:
        """Marks of the library and of the tools; unknown ones are kept."""
        return self._map("flags")

    @property
    def has_flags(self) -> bool:
        """Whether there are any; few records have some."""
        return bool(self.fields.get("flags"))

    @property
    def big_data_names(self) -> tuple[str, ...]:
        """The keys of the big data items, in the order in which they were added."""
        return self._texts("big-data-names")


class LayerRecord(NamedRecord):
    """One object of ``layers.json``. The layer of a container has neither digests nor sizes."""

    __slots__ = ()
    KEYS: ClassVar[Mapping[str, FieldTest]] = {
        "id": is_text,
        "names": is_text_list,
        "parent": is_text,
        "metadata": is_text,
        "mountlabel": is_text,
        "created": is_text,
        "compressed-diff-digest": is_text,
        "compressed-size": is_count,
        "diff-digest": is_text,
        "toc-digest": is_text,
        "diff-size": is_count,
        "compression": is_count,
        "uidset": is_count_list,
        "gidset": is_count_list,
        "flags": is_map,
        "uidmap": is_id_map,
        "gidmap": is_id_map,
        "big-data-names": is_text_list,
    }

    @property
    def parent(self) -> str | None:
        """The ID of the layer below, None for a base layer."""
        return self._text("parent") or None

    @property
    def mount_label(self) -> str:
        """The SELinux label of a container's layer."""
        return self._text("mountlabel")

    @property
    def compressed_digest(self) -> str:
        """The digest of the blob as it was received, with its algorithm."""
        return self._text("compressed-diff-digest")

    @property
    def compressed_size(self) -> int | None:
        """The length of that blob in bytes, None where there is no blob."""
        return self._count("compressed-size") if self.compressed_digest else None

    @property
    def diff_digest(self) -> str:
        """The diff ID: the digest of the uncompressed tar, with its algorithm."""
        return self._text("diff-digest")

    @property
    def toc_digest(self) -> str:
        """The digest of the table of contents of a partially pulled layer."""
        return self._text("toc-digest")

    @property
    def diff_size(self) -> int | None:
        """The length of the uncompressed tar in bytes, None where there is none, -1 where nobody counted."""
        return self._count("diff-size") if self.diff_digest or self.toc_digest else None

    @property
    def compression(self) -> int:
        """How the blob was compressed: 0 not at all, 1 bzip2, 2 gzip, 3 xz, 4 zstd."""
        return self._count("compression")

    @property
    def uids(self) -> tuple[int, ...]:
        """The distinct owners in the tar."""
        return tuple(self.fields.get("uidset") or ())

    @property
    def gids(self) -> tuple[int, ...]:
        """The distinct groups in the tar."""
        return tuple(self.fields.get("gidset") or ())

    @property
    def incomplete(self) -> bool:
        """Whether the layer was being made or deleted; it may be used for nothing."""
        flags: Mapping[str, Any] = self.fields.get("flags") or {}
        return flags.get("incomplete") is True

    @property
    def uidmap(self) -> tuple[dict[str, int], ...]:
        """The map by which the owners of the tree were shifted, empty where they were not."""
        return self._id_map("uidmap")

    @property
    def gidmap(self) -> tuple[dict[str, int], ...]:
        """The map by which the groups of the tree were shifted, empty where they were not."""
        return self._id_map("gidmap")


class ImageRecord(NamedRecord):
    """One object of ``images.json``."""

    __slots__ = ()
    KEYS: ClassVar[Mapping[str, FieldTest]] = {
        "id": is_text,
        "digest": is_text,
        "names": is_text_list,
        "names-history": is_text_list,
        "layer": is_text,
        "mapped-layers": is_text_list,
        "metadata": is_text,
        "big-data-names": is_text_list,
        "big-data-sizes": is_count_map,
        "big-data-digests": is_text_map,
        "created": is_text,
        "flags": is_map,
    }

    @property
    def digest(self) -> str:
        """The digest of a manifest: of the list where the image came from one."""
        return self._text("digest")

    @property
    def manifest_digests(self) -> tuple[str, ...]:
        """Every manifest digest under which the image can be found, the record's own first."""
        stored = [text for key, text in self.big_data_digests.items() if key.startswith("manifest")]
        return tuple(dict.fromkeys([self.digest] * bool(self.digest) + stored))

    @property
    def names_history(self) -> tuple[str, ...]:
        """Every name that the image ever had, newest first."""
        return self._texts("names-history")

    @property
    def layer(self) -> str:
        """The ID of the top layer, empty for an image without layers."""
        return self._text("layer")

    @property
    def mapped_layers(self) -> tuple[str, ...]:
        """Copies of the top layer with shifted owners."""
        return self._texts("mapped-layers")

    @property
    def big_data_sizes(self) -> dict[str, int]:
        """The length of each big data item in bytes."""
        return self._map("big-data-sizes")

    @property
    def big_data_digests(self) -> dict[str, str]:
        """The digest of each big data item; a manifest digest for keys that start with ``manifest``."""
        return self._map("big-data-digests")


class ContainerRecord(NamedRecord):
    """One object of ``containers.json``."""

    __slots__ = ()
    KEYS: ClassVar[Mapping[str, FieldTest]] = {
        "id": is_text,
        "names": is_text_list,
        "image": is_text,
        "layer": is_text,
        "metadata": is_text,
        "big-data-names": is_text_list,
        "big-data-sizes": is_count_map,
        "big-data-digests": is_text_map,
        "created": is_text,
        "uidmap": is_id_map,
        "gidmap": is_id_map,
        "flags": is_map,
    }
    ALWAYS: ClassVar[Mapping[str, Any]] = {"id": "", "image": "", "layer": "", "created": UNKNOWN_TIME}

    @property
    def image(self) -> str:
        """The ID of the image, empty for a container made without one."""
        return self._text("image")

    @property
    def layer(self) -> str:
        """The ID of the writable layer."""
        return self._text("layer")

    @property
    def big_data_sizes(self) -> dict[str, int]:
        """The length of each big data item in bytes."""
        return self._map("big-data-sizes")

    @property
    def big_data_digests(self) -> dict[str, str]:
        """The digest of each big data item."""
        return self._map("big-data-digests")

    @property
    def uidmap(self) -> tuple[dict[str, int], ...]:
        """How users of the container map to users of the host; empty means that they are the same."""
        return self._id_map("uidmap")

    @property
    def gidmap(self) -> tuple[dict[str, int], ...]:
        """How groups of the container map to groups of the host; empty means that they are the same."""
        return self._id_map("gidmap")


class MountRecord(Record):
    """One object of ``mountpoints.json``; its ID is that of the mounted layer."""

    __slots__ = ()
    KEYS: ClassVar[Mapping[str, FieldTest]] = {"id": is_text, "path": is_text, "count": is_count}
    ALWAYS: ClassVar[Mapping[str, Any]] = {"id": "", "path": "", "count": 0}

    @property
    def path(self) -> str:
        """Where the layer is mounted."""
        return self._text("path")

    @property
    def count(self) -> int:
        """How many users the mount has."""
        return self._count("count")
