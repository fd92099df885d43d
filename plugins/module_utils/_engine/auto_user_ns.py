# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The ID maps of an automatic user namespace: as many IDs as the image needs, of those that no other container has.

Upstream: ``userns.go`` of containers/storage.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from .._config.auto_user_ns import AutoUserNamespaces, subordinate_ids
from .._config.paths import ConfigPaths
from .._errors import HostError
from .._model.id_map import IdMap, IdMaps
from .._model.id_ranges import Range, free_map, size_of
from .._model.user_namespace import AutoUserNamespace
from .._storage.catalog import Catalog
from .._storage.owners import OpenFile, Owners
from .._storage.records import ContainerRecord, ImageRecord

# The user nobody, whom upstream leaves out: nearly every image has one, and would need as many IDs as there are below.
_NOBODY = 65534
_NOBODY_NAMES = ("nobody", "nogroup")
# Of longer files the rest is not looked at.
_LONGEST = 1 << 20


class UserNamespaceTooLarge(HostError):
    """The image has users for whom more IDs are needed than a container may get."""

    code = "userns_too_large"


class NoFreeIds(HostError):
    """Too few IDs are set apart for containers and not yet given to one."""

    code = "no_free_ids"


@dataclass(frozen=True)
class IdChooser:
    """Chooses ``size`` IDs of users and of groups for one container, beside those that it gets anyway."""

    size: int
    uids: tuple[Range, ...]
    gids: tuple[Range, ...]
    additional: IdMaps

    def choose(self, containers: Iterable[ContainerRecord]) -> IdMaps:
        """The lowest IDs that none of ``containers`` has. Raises NoFreeIds."""
        used = [IdMaps.from_json(record.uidmap, record.gidmap) for record in containers]
        return IdMaps(
            self._map("user", self.uids, [entry for maps in used for entry in maps.uids], self.additional.uids),
            self._map("group", self.gids, [entry for maps in used for entry in maps.gids], self.additional.gids),
        )

    def _map(
        self, kind: str, available: tuple[Range, ...], used: list[IdMap], additional: tuple[IdMap, ...]
    ) -> tuple[IdMap, ...]:
        found = free_map(self.size, available, used, additional)
        if found is None:
            raise NoFreeIds(
                f"too few {kind} IDs are left for another container",
                wanted=str(self.size),
                found=f"{size_of(available)} with those of other containers",
            )
        return found


def id_chooser(
    wanted: AutoUserNamespace,
    settings: AutoUserNamespaces,
    paths: ConfigPaths,
    owners: Owners,
    catalog: Catalog,
    image: ImageRecord,
) -> IdChooser:
    """What chooses the IDs of a container of ``image``. Only reads. Raises NoSubordinateIds, UserNamespaceTooLarge and HostError."""
    uids, gids = subordinate_ids(paths, settings.user)
    size = wanted.size
    if size is None:
        size = max(settings.min_size, _needed(owners, catalog, image))
        if size > settings.max_size:
            raise UserNamespaceTooLarge(
                "the container needs more IDs than storage.conf lets it have (auto-userns-max-size)",
                subject=image.id,
                wanted=f"at most {settings.max_size}",
                found=str(size),
            )
    return IdChooser(size, uids, gids, wanted.additional)


def _needed(owners: Owners, catalog: Catalog, image: ImageRecord) -> int:
    """One more than the highest ID that owns a file of the image, or that its lists of users and groups know."""
    if not image.layer:
        return 0
    chain = catalog.layer_chain(image.layer)
    of_files = [owner for layer in chain for owner in (*layer.uids, *layer.gids)]
    return max(-1, *of_files, *owners.with_files(image.layer, _listed)) + 1


def _listed(open_file: OpenFile) -> list[int]:
    """The IDs in the image's files of users and groups."""
    found = []
    for name, columns in ((b"etc/passwd", (2, 3)), (b"etc/group", (2,))):
        for line in _lines(open_file(name)):
            fields = line.split(":")
            if fields[0] not in _NOBODY_NAMES:
                numbers = [fields[column] for column in columns if column < len(fields)]
                found += [int(number) for number in numbers if number.isascii() and number.isdigit()]
    return [number for number in found if number != _NOBODY and number < 1 << 32]


def _lines(descriptor: int | None) -> list[str]:
    if descriptor is None:
        return []
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read(_LONGEST).decode("utf-8", "replace").splitlines()
