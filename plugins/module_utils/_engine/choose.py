# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.

"""From an index to the manifest of one image, through the indexes that it may list (OCI image-spec, image-index.md).

containers/image knows no index in an index; what it chooses of a flat one is chosen here too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Optional, Union

from .._errors import DataError
from .._model.descriptor import Descriptor
from .._model.digest import Digest
from .._model.index import Index, no_such_platform
from .._model.manifest import Manifest
from .._model.media_types import OCI_INDEX
from .._model.platform import Platform
from .._model.schema1 import Schema1Manifest

# Real indexes are two deep at most; what a registry can make us fetch must have an end.
_DEEPEST = 8
_MOST_INDEXES = 64

Parsed = Union[Manifest, Index, Schema1Manifest]


class NestedIndex(DataError):
    """An index stands where only the manifest of an image may, or there are more of them than anybody needs."""

    code = "invalid_manifest"


@dataclass(frozen=True)
class Chosen:
    """The manifest for a platform, and the indexes on the way to it, the outermost first: of a flat index that index alone."""

    manifest: Union[Manifest, Schema1Manifest]
    indexes: tuple[Index, ...] = ()


def entries_for(index: Index, platform: Platform) -> tuple[Descriptor, ...]:
    """The entries of ``index`` that may hold an image for ``platform``, in the order in which they are looked at."""
    from .._layer.compression import zstd_available

    # Of two forms of the same image the one that can be unpacked here.
    return index.candidates(platform, prefer_gzip=not zstd_available())


def choose_instance(index: Index, platform: Platform, fetch: Callable[[Digest], Parsed]) -> Chosen:
    """The image of ``index`` for ``platform``; ``fetch`` gives the manifest or index of a digest.

    An OCI index may list others: one with a platform is searched in its place, one without after all entries that name the
    platform, and where it has no image for the platform the next entry is tried. Raises NoSuchPlatform, NestedIndex for
    Docker's lists in a list and for indexes nested too deeply, and what ``fetch`` raises.
    """
    search = _Search(platform, fetch)
    chosen = search.through(index, (index,))
    if chosen is None:
        raise no_such_platform(platform, index, search.searched)
    return chosen


class _Search:
    def __init__(self, platform: Platform, fetch: Callable[[Digest], Parsed]) -> None:
        self._platform = platform
        self._fetch = fetch
        self._seen: set[Digest] = set()
        self.searched: list[Index] = []

    def through(self, index: Index, path: tuple[Index, ...]) -> Optional[Chosen]:
        """The first image below ``index``, or None; ``path`` are the indexes on the way to it, itself the last."""
        for entry in entries_for(index, self._platform):
            # One that was searched already has no image for us, however often it is listed.
            if entry.digest in self._seen:
                continue
            parsed = self._fetch(entry.digest)
            if not isinstance(parsed, Index):
                return Chosen(parsed, path)
            self._enter(index, parsed, entry.digest, len(path) - 1)
            chosen = self.through(parsed, (*path, parsed))
            if chosen is not None:
                return chosen
        return None

    def _enter(self, outer: Index, inner: Index, digest: Digest, depth: int) -> None:
        """Notes that ``inner`` is searched. Raises NestedIndex where it must not be."""
        if outer.media_type != OCI_INDEX or inner.media_type != OCI_INDEX:
            raise NestedIndex(
                "unexpectedly received a manifest list instead of a manifest for a single image",
                subject=str(digest),
                found=inner.media_type,
            )
        if depth == _DEEPEST:
            raise NestedIndex("the indexes are nested too deeply", subject=str(digest), wanted=f"at most {_DEEPEST}")
        if len(self.searched) == _MOST_INDEXES:
            raise NestedIndex("the index lists too many others", subject=str(digest), wanted=f"at most {_MOST_INDEXES}")
        self._seen.add(digest)
        self.searched.append(inner)
