# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""A list of images for several platforms: OCI image index or Docker manifest list."""

from __future__ import annotations

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

    def choose(self, platform: Platform, *, prefer_gzip: bool = False) -> Descriptor:
        """The instance for ``platform``, as containers/image chooses it.

        The best acceptable platform decides, and the first of several entries for it. In an OCI index zstd layers go before
        gzip (after it with ``prefer_gzip``), and entries that name no platform are taken last. ``os.version`` and
        ``os.features`` are not looked at. Raises NoSuchPlatform with what is there.
        """
        order = {wanted: rank for rank, wanted in enumerate(platform.acceptable())}
        best: tuple[tuple[int, bool], Descriptor] | None = None
        for instance in self.manifests:
            rank = self._rank(instance, order, prefer_gzip)
            if rank is not None and (best is None or rank < best[0]):
                best = (rank, instance)
        if best is None:
            raise NoSuchPlatform(
                "no image for this platform in the index",
                subject=f"manifest {self.digest}",
                wanted=str(platform),
                found=shown(", ".join(self._platforms())) or "no platforms",
            )
        return best[1]

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

    def _platforms(self) -> list[str]:
        return sorted({str(instance.platform) for instance in self.manifests if instance.platform})
