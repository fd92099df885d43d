# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The store as the next image of a task finds it: on the disk, or in check mode as the images before would leave it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .._errors import DataError, StrataError
from .._host.atomic_files import read_file
from .._model.digest import Digest
from .._model.index import Index
from .._model.manifest import Manifest
from .._model.manifest_parser import parse_manifest
from .._model.schema1 import Schema1Manifest
from .._storage.catalog import Catalog, read_catalog
from .._storage.image_signatures import ManifestSignatures, stored_signatures
from .._storage.json_record import StoreDamaged
from .._storage.layout import Layout
from .._storage.records import ImageRecord, LayerRecord
from .describe import StoredImage, describe_image, read_image
from .platform_choice import PlatformChoice, fits

if TYPE_CHECKING:
    from .._storage.commit import NewImage
    from .plan import Plan, PlannedLayer
    from .resolve import RemoteImage

# The length of a layer that nobody has unpacked yet, in the words of containers/storage.
_UNCOUNTED = -1
# The key of a manifest or an index among the data of an image, before its digest.
_KEY = "manifest-"


class StoreView:
    """What the store holds, and would hold after what was foreseen. Nothing is written."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._foreseen: Catalog | None = None
        self._images: dict[str, RemoteImage] = {}
        self._items: dict[tuple[str, str], bytes] = {}
        # IDs and diff IDs that stand in for those that only the content can tell.
        self._stand_ins: set[str] = set()

    def catalog(self) -> Catalog:
        """The records as they are now or, once something was foreseen, as they would be then."""
        return self._foreseen or read_catalog(self._layout)

    def foresee_commit(self, catalog: Catalog, plan: Plan, remote: RemoteImage, image: NewImage) -> None:
        """From now on shows the store as it would be with ``image``, whose layers are those of ``plan``."""
        from .._storage.forecast import after_commit

        self._foreseen = after_commit(catalog, [_record(catalog, layer) for layer in plan.to_stage], image)
        self._images[image.image_id] = remote
        if remote.stand_ins:
            self._stand_ins.update([image.image_id, *plan.stand_in_ids, *map(str, remote.stand_ins)])
        self._items.update({(image.image_id, key): data for key, data in image.items})

    def foresee_names(self, catalog: Catalog, image_id: str, names: Iterable[str]) -> None:
        """From now on shows the store as it would be if the image had exactly these names."""
        from .._storage.forecast import after_naming

        self._foreseen = after_naming(catalog, image_id, names)

    def foresee_signatures(self, catalog: Catalog, image_id: str, signed: ManifestSignatures) -> None:
        """From now on shows the store as it would be if the image had just these signatures of that manifest."""
        from .._storage.forecast import after_signing

        self._foreseen = after_signing(catalog, image_id, signed)
        self._items.update({(image_id, key): data for key, data in signed.items(default=True)})

    def signatures(self, record: ImageRecord, manifest: Digest) -> tuple[bytes, ...] | None:
        """The signatures that the store keeps of this manifest, as blobs; None where they are damaged."""
        try:
            return stored_signatures(record, manifest, lambda key: self._item(record, key))
        except StoreDamaged:
            return None

    def describe(self, catalog: Catalog, record: ImageRecord, actions: dict[str, str]) -> dict[str, Any]:
        """The facts of an image, as describe_image() gives them; what only the content can tell is None."""
        facts = describe_image(self._layout, catalog, self._stored(catalog, record), actions)
        if self._foreseen is not None:
            for layer in facts["layers"]:
                if layer["size"] == _UNCOUNTED:
                    layer["size"] = facts["size"] = None
                if layer["id"] in self._stand_ins:
                    layer["path"] = None
                self._blank(layer, "id", "diff_id")
            self._blank(facts, "id", "top_layer")
        return facts

    def shown_id(self, image_id: str) -> str:
        """The image ID; where only the content can tell it, the digest of the image."""
        return str(self._images[image_id].digest) if image_id in self._stand_ins else image_id

    def serves(
        self, catalog: Catalog, record: ImageRecord, choice: PlatformChoice, digest: Digest | None = None
    ) -> bool:
        """Whether a pull for ``choice`` would end with this image, if the registry still has what it had.

        ``digest`` is what the registry has; where it is not known, any index that the image was chosen from will do. An
        image without a stored index is judged by its config. What an index would give is exact: that an image runs on the
        wanted platform is not enough where the index has a better one.
        """
        config = self._stored(catalog, record).config
        if config is None or not (fits(config.platform, choice) or (choice.allow_other and digest is not None)):
            return False
        indexes = [self._index(record, digest)] if digest else list(self._indexes(record))
        found = [index for index in indexes if index is not None]
        return not found or any(self._chosen(record, index, choice) in record.manifest_digests for index in found)

    def manifest(
        self, catalog: Catalog, record: ImageRecord, choice: PlatformChoice, digest: Digest
    ) -> Manifest | Schema1Manifest | None:
        """The stored manifest with which a pull for ``choice`` would end if the registry has ``digest``.

        None where it would end with another image, and where the bytes are not there.
        """
        if not self.serves(catalog, record, choice, digest):
            return None
        index = self._index(record, digest)
        chosen = str(digest) if index is None else self._chosen(record, index, choice)
        for key in (f"{_KEY}{chosen}", "manifest"):
            parsed = self._parsed(record, key)
            if parsed is not None and str(parsed.digest) == chosen and not isinstance(parsed, Index):
                return parsed
        return None

    def _chosen(self, record: ImageRecord, index: Index, choice: PlatformChoice) -> str | None:
        """The digest of the manifest that ``index`` gives for ``choice``, as far down as the image's own data tell."""
        from .choose import entries_for

        for entry in entries_for(index, choice.platform):
            inner = self._index(record, entry.digest)
            chosen = self._chosen(record, inner, choice) if inner else str(entry.digest)
            if chosen is not None:
                return chosen
        return None

    def _indexes(self, record: ImageRecord) -> Iterator[Index | None]:
        """The indexes that the image was chosen from; those that stand in another one are not looked at by themselves."""
        found = {digest: self._index(record, digest) for digest in _digests(record)}
        inner = {entry.digest for index in found.values() if index for entry in index.manifests}
        return (index for digest, index in found.items() if digest not in inner)

    def _index(self, record: ImageRecord, digest: Digest) -> Index | None:
        """The index with this digest that the store keeps for the image, None where there is none."""
        parsed = self._parsed(record, f"{_KEY}{digest}")
        return parsed if isinstance(parsed, Index) and digest.matches(parsed.raw) else None

    def _parsed(self, record: ImageRecord, key: str) -> Manifest | Index | Schema1Manifest | None:
        """The manifest or index under ``key``, None where there is none that can be read."""
        raw = self._item(record, key)
        try:
            return None if raw is None else parse_manifest(raw, "")
        except DataError:
            return None

    def _item(self, record: ImageRecord, key: str) -> bytes | None:
        raw = self._items.get((record.id, key))
        if raw is None and key in record.big_data_names:
            raw = read_file(self._layout.of(record.store).image_item(record.id, key))
        return raw

    def _stored(self, catalog: Catalog, record: ImageRecord) -> StoredImage:
        remote = self._images.get(record.id)
        if remote is None:
            return read_image(self._layout, catalog, record)
        return StoredImage(record, remote.manifest, remote.layers, remote.config)

    def _blank(self, facts: dict[str, Any], *keys: str) -> None:
        facts.update({key: None for key in keys if facts[key] in self._stand_ins})


def _digests(record: ImageRecord) -> Iterator[Digest]:
    """The digests of the manifests and indexes that the store keeps for the image."""
    for key in record.big_data_names:
        if key.startswith(_KEY):
            with suppress(StrataError):
                yield Digest.parse(key[len(_KEY) :])


def _record(catalog: Catalog, layer: PlannedLayer) -> LayerRecord:
    """The record that a layer would get, as far as it can be told without its content."""
    # Content that lies elsewhere in the store has the length that it has there.
    sizes = [same.diff_size for same in catalog.layers_with_diff(layer.diff_id) if same.diff_size is not None]
    return LayerRecord.of(
        id=layer.layer_id,
        parent=layer.parent,
        compressed_diff_digest=str(layer.blob.digest),
        compressed_size=layer.blob.size,
        diff_digest=str(layer.diff_id),
        diff_size=sizes[0] if sizes else _UNCOUNTED,
    )
