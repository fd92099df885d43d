# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""A list of images for several platforms: OCI image index or Docker manifest list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .._errors import DataError
from .descriptor import Descriptor
from .digest import Digest
from .json_object import shown
from .media_types import OCI_INDEX
from .platform import Platform

# Marks an instance whose layers are zstd.
_ZSTD_ANNOTATION = "io.github.containers.compression.zstd"


class NoSuchPlatform(DataError):
    """The index has no image for the wanted platform."""

    code = "no_such_platform"


@dataclass(frozen=True)
class Index:
    """A parsed index beside the bytes it came in, which are what its digest and any copy of it are made of."""

    raw: bytes
    media_type: str
    manifests: tuple[Descriptor, ...]

    @property
    def digest(self) -> Digest:
        """sha256 of the bytes received."""
        return Digest.of(self.raw)

    @property
    def platforms(self) -> frozenset[str]:
        """What the entries say that they are for."""
        return frozenset(str(instance.platform) for instance in self.manifests if instance.platform)

    def candidates(self, platform: Platform, *, prefer_gzip: bool = False) -> tuple[Descriptor, ...]:
        """The entries that may hold an image for ``platform``, the one that containers/image chooses first.

        The best acceptable platform decides, and the first of several entries for it. In an OCI index zstd layers go before
        gzip (after it with ``prefer_gzip``), and entries that name no platform are taken last. ``os.version`` and
        ``os.features`` are not looked at.
        """
        order = {wanted: rank for rank, wanted in enumerate(platform.acceptable())}
        ranked = [(self._rank(instance, order, prefer_gzip), instance) for instance in self.manifests]
        fitting = [(rank, instance) for rank, instance in ranked if rank is not None]
        # Sorting keeps the order of what has the same rank.
        return tuple(instance for _rank, instance in sorted(fitting, key=lambda pair: pair[0]))

    def _rank(self, instance: Descriptor, order: dict[Platform, int], prefer_gzip: bool) -> tuple[int, bool] | None:
        """How far ``instance`` is from the first choice; None where it is none at all."""
        oci = self.media_type == OCI_INDEX
        if instance.platform in order:
            distance = order[instance.platform]
        elif oci and instance.platform is None:
            distance = len(order)
        else:
            return None
        zstd = instance.annotations.get(_ZSTD_ANNOTATION) == "true"
        return (distance, oci and zstd == prefer_gzip)


def no_such_platform(platform: Platform, index: Index, inner: Iterable[Index] = ()) -> NoSuchPlatform:
    """The error that says what ``index``, and the indexes ``inner`` that it lists, have instead of ``platform``."""
    found = index.platforms.union(*(listed.platforms for listed in inner))
    return NoSuchPlatform(
        "no image for this platform in the index",
        subject=f"manifest {index.digest}",
        wanted=str(platform),
        found=shown(", ".join(sorted(found))) or "no platforms",
    )
