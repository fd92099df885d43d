# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The records of a store as they are at one moment, and the look-ups that people and verbs need.

Reading takes shared locks of files that exist and creates nothing; a store that does not exist is an empty one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

from .._errors import UsageError
from .._host.locks import shared
from .._host.os_errors import reporting
from .._model.digest import Digest
from .json_record import R, Record, StoreDamaged
from .last_write import read_stamp_of
from .layout import Layout
from .loaded import load_records
from .records import ContainerRecord, ImageRecord, LayerRecord, MountRecord, NamedRecord

_N = TypeVar("_N", bound=NamedRecord)
_SHA256 = "sha256:"


class UnknownImage(UsageError):
    """No image of the store is what was asked for."""

    code = "unknown_image"


class ReadOnlyImage(UsageError):
    """The image lies in an additional image store, where nothing can be changed."""

    code = "read_only_store"


class UnknownContainer(UsageError):
    """No container of the store is what was asked for."""

    code = "unknown_container"


class AmbiguousName(UsageError):
    """Several records are what was asked for; the message lists them."""

    code = "ambiguous_name"


@dataclass(frozen=True)
class MountCount:
    """Where a layer is mounted, and how many users the mount has, as the records say (they survive a crash)."""

    path: str
    count: int


@dataclass(frozen=True)
class Catalog:
    """All records of a store, in the order of their creation; ``mount_counts`` by layer ID.

    Behind its own come the layers and images of additional stores; what the store has itself goes before those.
    """

    layers: tuple[LayerRecord, ...] = ()
    images: tuple[ImageRecord, ...] = ()
    containers: tuple[ContainerRecord, ...] = ()
    mount_counts: Mapping[str, MountCount] = field(default_factory=dict)

    def own(self) -> Catalog:
        """The records of the store itself, which are all that can be changed."""
        return self._own

    def layer(self, layer_id: str) -> LayerRecord | None:
        """The layer with this ID, None where there is none."""
        return self._layers_by_id.get(layer_id)

    def layer_chain(self, top: str) -> list[LayerRecord]:
        """The layer ``top`` and all below it, base first. Raises StoreDamaged where one is missing."""
        chain: list[LayerRecord] = []
        wanted: str | None = top
        while wanted:
            layer = self.layer(wanted)
            if layer is None or len(chain) > len(self.layers):
                problem = "is below itself" if layer else "has no record"
                raise StoreDamaged(f"a layer in the chain of layer {top} {problem}", subject=wanted)
            chain.append(layer)
            wanted = layer.parent
        chain.reverse()
        return chain

    def layers_with_diff(self, diff_id: Digest) -> tuple[LayerRecord, ...]:
        """The layers whose content is the tar with this diff ID, and from which it can be taken."""
        text = str(diff_id)
        return tuple(
            layer
            for layer in self.layers
            if layer.diff_digest == text and not layer.incomplete and not (layer.uidmap or layer.gidmap)
        )

    def layer_of_blob(self, blob: Digest) -> LayerRecord | None:
        """A layer that was unpacked from the blob with this digest, None where there is none."""
        text = str(blob)
        for layer in self.layers:
            if layer.compressed_digest == text and layer.diff_digest and not layer.incomplete:
                return layer
        return None

    def images_with_digest(self, digest: Digest) -> tuple[ImageRecord, ...]:
        """The images that have the manifest or index with this digest."""
        return tuple(image for image in self.images if str(digest) in image.manifest_digests)

    def image(self, wanted: str) -> ImageRecord:
        """The image with this ID, name, digest (``sha256:...`` of a manifest or of the ID) or unique prefix of an ID.

        Tried in that order. Raises UnknownImage, and AmbiguousName with the candidates.
        """
        found = _last(image for image in self.images if image.id == wanted) or self.image_named(wanted)
        if found is not None:
            return found
        record = _only(_with_digest(self.images, wanted) or _with_prefix(self.images, wanted), wanted)
        if record is None:
            raise UnknownImage("no such image in the store", subject=wanted)
        return record

    def image_named(self, name: str) -> ImageRecord | None:
        """The image with exactly this full name, None where there is none."""
        return _last(image for image in self.images if name in image.names)

    def container(self, wanted: str) -> ContainerRecord:
        """The container with this ID, name, layer ID or unique prefix of an ID, tried in that order.

        Raises UnknownContainer, and AmbiguousName with the candidates.
        """
        found = (
            _last(record for record in self.containers if record.id == wanted)
            or _last(record for record in self.containers if wanted in record.names)
            or _last(record for record in self.containers if wanted and record.layer == wanted)
        )
        if found is not None:
            return found
        record = _only(_with_prefix(self.containers, wanted), wanted)
        if record is None:
            raise UnknownContainer("no such container in the store", subject=wanted)
        return record

    @cached_property
    def _own(self) -> Catalog:
        # Those of additional stores are the last.
        if not any(records[-1].store for records in (self.layers, self.images) if records):
            return self
        return replace(
            self,
            layers=tuple(layer for layer in self.layers if not layer.store),
            images=tuple(image for image in self.images if not image.store),
        )

    @cached_property
    def _layers_by_id(self) -> dict[str, LayerRecord]:
        return {layer.id: layer for layer in self.layers}


def read_catalog(layout: Layout) -> Catalog:
    """All records of the store at ``layout``, read under shared locks that are held together.

    Files that did not change since this process last read or wrote them are not read again, and the catalog is the same
    object when none did. Raises StoreDamaged naming the file, and HostError where the store may not be read.
    """
    with shared_locks(layout):
        files = _load_all(layout)
    known = _catalogs.get(layout)
    if known is None or not known.files.same_as(files):
        known = _catalogs[layout] = _Known(files, files.catalog())
    return known.catalog


@contextmanager
def shared_locks(layout: Layout) -> Iterator[None]:
    """Holds the shared locks of all records, those of additional stores too; nobody changes them meanwhile. Raises HostError."""
    others = [layout.of(store) for store in layout.additional]
    with ExitStack() as held:
        # The order in which every tool takes them.
        for lock in (
            *(layout.layers_lock, layout.mountpoints_lock, *(other.layers_lock for other in others)),
            *(layout.images_lock, *(other.images_lock for other in others), layout.containers_lock),
        ):
            held.enter_context(shared(lock))
        yield


def read_additional(layout: Layout) -> Catalog:
    """The layers and images of the additional stores alone. Raises StoreDamaged and HostError."""
    others = [layout.of(store) for store in layout.additional]
    with ExitStack() as held:
        for lock in (*(other.layers_lock for other in others), *(other.images_lock for other in others)):
            held.enter_context(shared(lock))
        return _Files(others=tuple(map(_load_other, others))).catalog()


@dataclass(frozen=True)
class _OtherFiles:
    """What was loaded of an additional store."""

    store: str
    layers: tuple[LayerRecord, ...]
    images: tuple[ImageRecord, ...]

    def usable_layers(self) -> tuple[LayerRecord, ...]:
        """The layers, each with its store; what is being made there is none of ours to remove, nor to use."""
        return tuple(LayerRecord(layer.fields, self.store) for layer in self.layers if not layer.incomplete)

    def marked_images(self) -> tuple[ImageRecord, ...]:
        """The images, each with its store."""
        return tuple(ImageRecord(image.fields, self.store) for image in self.images)


@dataclass(frozen=True)
class _Files:
    """What was loaded of each file: the same tuples as the last time where the files did not change."""

    layers: tuple[tuple[LayerRecord, ...], ...] = ()
    images: tuple[tuple[ImageRecord, ...], ...] = ()
    containers: tuple[tuple[ContainerRecord, ...], ...] = ()
    mounts: tuple[tuple[MountRecord, ...], ...] = ()
    others: tuple[_OtherFiles, ...] = ()

    def same_as(self, other: _Files) -> bool:
        """Whether no file changed between the two."""
        return all(one is another for one, another in zip(self._all(), other._all()))

    def catalog(self) -> Catalog:
        """The records as one catalog."""
        return Catalog(
            layers=_once(*self.layers, *(other.usable_layers() for other in self.others)),
            images=sum((other.marked_images() for other in self.others), _once(*self.images)),
            containers=_once(*self.containers),
            mount_counts={
                record.id: MountCount(record.path, record.count) for record in _once(*self.mounts) if record.count > 0
            },
        )

    def _all(self) -> Iterator[Sequence[Record]]:
        yield from (*self.layers, *self.images, *self.containers, *self.mounts)
        for other in self.others:
            yield from (other.layers, other.images)


@dataclass(frozen=True)
class _Known:
    """A catalog with the files that it was made of."""

    files: _Files
    catalog: Catalog


# The last catalog of each store: a task of many images asks for it many times, mostly of a store that nobody changed.
_catalogs: dict[Layout, _Known] = {}


def _load_all(layout: Layout) -> _Files:
    """The records of every file; the locks are held."""
    return _Files(
        layers=_load(LayerRecord, layout.layers_lock, layout.layers_json, layout.volatile_layers_json),
        images=_load(ImageRecord, layout.images_lock, layout.images_json),
        containers=_load(
            ContainerRecord, layout.containers_lock, layout.containers_json, layout.volatile_containers_json
        ),
        mounts=_load(MountRecord, layout.mountpoints_lock, layout.mountpoints_json),
        others=tuple(_load_other(layout.of(store)) for store in layout.additional),
    )


def _load_other(other: Layout) -> _OtherFiles:
    (layers,) = _load(LayerRecord, other.layers_lock, other.layers_json)
    (images,) = _load(ImageRecord, other.images_lock, other.images_json)
    return _OtherFiles(other.graph_root, layers, images)


def _load(kind: type[R], lock: str, *paths: str) -> tuple[tuple[R, ...], ...]:
    with reporting("read the last-write record", lock):
        stamp = read_stamp_of(lock)
    return tuple(load_records(path, kind, stamp) for path in paths)


def _once(*files: tuple[R, ...]) -> tuple[R, ...]:
    """The records of several files or stores in order; of records with the same ID the first counts, as upstream."""
    # Mostly there is but one with records, whose tuple will do.
    records = sum(filter(None, files), ())
    # Backwards, so that the first of each ID is the one that stays.
    by_id = {record.id: record for record in reversed(records)}
    if len(by_id) == len(records):
        return records
    return tuple(by_id[record_id] for record_id in dict.fromkeys(record.id for record in records))


def _last(records: Iterable[_N]) -> _N | None:
    # Of records that share a name the later one has it; the next tool to save takes it from the earlier.
    # An additional store is asked only where those before it know nothing.
    found = None
    for record in records:
        if found is None or record.store == found.store:
            found = record
    return found


def _only(candidates: list[_N], wanted: str) -> _N | None:
    # An image may be in several stores.
    candidates = list({record.id: record for record in reversed(candidates)}.values())[::-1]
    if len(candidates) > 1:
        listed = ", ".join(record.id[:12] + "".join(f" {name}" for name in record.names[:1]) for record in candidates)
        raise AmbiguousName("several records match", subject=wanted, found=listed)
    return candidates[0] if candidates else None


def _with_prefix(records: Iterable[_N], wanted: str) -> list[_N]:
    prefix = _bare(wanted)
    return [record for record in records if prefix and record.id.startswith(prefix)]


def _with_digest(images: Iterable[ImageRecord], wanted: str) -> list[ImageRecord]:
    """The images that ``wanted`` names as a digest: of their ID, else of one of their manifests."""
    if not wanted.startswith(_SHA256):
        return []
    by_id = [image for image in images if image.id == _bare(wanted)]
    return by_id or [image for image in images if wanted in image.manifest_digests]


def _bare(wanted: str) -> str:
    return wanted.partition(_SHA256)[2] if wanted.startswith(_SHA256) else wanted
