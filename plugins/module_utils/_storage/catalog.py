# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The records of a store as they are at one moment, and the look-ups that people and verbs need.

Reading takes shared locks of files that exist and creates nothing; a store that does not exist is an empty one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

from .._errors import UsageError
from .._host.atomic_files import read_file
from .._host.locks import shared
from .._model.digest import Digest
from .json_record import R, StoreDamaged, decode_records
from .layout import Layout
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
        return replace(
            self,
            layers=tuple(layer for layer in self.layers if not layer.store),
            images=tuple(image for image in self.images if not image.store),
        )

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
            layer for layer in self.layers if layer.diff_digest == text and not layer.incomplete and not layer.uidmap
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
    def _layers_by_id(self) -> dict[str, LayerRecord]:
        return {layer.id: layer for layer in self.layers}


def read_catalog(layout: Layout) -> Catalog:
    """All records of the store at ``layout``, read under shared locks that are held together.

    Raises StoreDamaged naming the file, and HostError where the store may not be read.
    """
    others = [layout.of(store) for store in layout.additional]
    with shared_locks(layout):
        return Catalog(
            layers=_once((*_read(LayerRecord, layout.layers_json, layout.volatile_layers_json), *_layers_in(others))),
            images=(*_read(ImageRecord, layout.images_json), *_images_in(others)),
            containers=_read(ContainerRecord, layout.containers_json, layout.volatile_containers_json),
            mount_counts={
                record.id: MountCount(record.path, record.count)
                for record in _read(MountRecord, layout.mountpoints_json)
                if record.count > 0
            },
        )


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
        return Catalog(layers=_once(_layers_in(others)), images=_images_in(others))


def _layers_in(others: Iterable[Layout]) -> tuple[LayerRecord, ...]:
    found = (
        replace(layer, store=other.graph_root) for other in others for layer in _read(LayerRecord, other.layers_json)
    )
    # What is being made there is none of ours to remove, nor to use.
    return tuple(layer for layer in found if not layer.incomplete)


def _images_in(others: Iterable[Layout]) -> tuple[ImageRecord, ...]:
    return tuple(
        replace(image, store=other.graph_root) for other in others for image in _read(ImageRecord, other.images_json)
    )


def _once(layers: Iterable[LayerRecord]) -> tuple[LayerRecord, ...]:
    """The layers, each from the first store that has it."""
    found: dict[str, LayerRecord] = {}
    for layer in layers:
        found.setdefault(layer.id, layer)
    return tuple(found.values())


def _read(kind: type[R], *paths: str) -> tuple[R, ...]:
    """The records of several files in order; of records with the same ID the first counts, as upstream."""
    records: dict[str, R] = {}
    for path in paths:
        for record in decode_records(read_file(path), kind, path):
            records.setdefault(record.id, record)
    return tuple(records.values())


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
