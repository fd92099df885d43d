# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""From an image of a source to the plan of its pull, and what must be unpacked before there can be one (schema 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from .._model.digest import Digest, InvalidDigest
from .._model.schema1 import Schema1Manifest
from .._storage.catalog import Catalog
from .._storage.json_record import StoreDamaged
from .._storage.records import ImageRecord, LayerRecord
from .._transport.source import ImageSource
from .plan import FETCH, Plan, make_plan
from .resolve import RemoteImage
from .schema1 import BlobFacts
from .schema1_stored import size_in_record
from .stage import Workshop


class Planner:
    """Plans the pulls of one task, and remembers what came out of the blobs that it had to look into."""

    def __init__(self, workshop: Workshop, *, check_mode: bool) -> None:
        self._workshop = workshop
        self._check_mode = check_mode
        self._learned: dict[Digest, BlobFacts] = {}

    def plan(self, remote: RemoteImage, source: ImageSource, catalog: Catalog) -> tuple[RemoteImage, Plan]:
        """The image as the commit needs it, and what is to be done with its layers.

        The unknown layers of a schema 1 image are staged for it, and what it has instead of their diff IDs is gone. In
        check mode that stays, and the source is asked for the sizes of what is to be fetched. Raises what staging raises.
        """
        known = self._known(remote, catalog)
        remote, plan = _informed(remote, known, catalog)
        if self._check_mode:
            sizes = _sizes(plan, source)
            return _informed(remote, {**known, **_with_sizes(known, sizes)}, catalog) if sizes else (remote, plan)
        if not plan.unknown:
            return remote, plan
        self._workshop.driver.ensure_usable()
        # What lies on an unknown layer, or below, has to be unpacked with it where a tree holds those below.
        wanted = plan.unknown if self._workshop.layout.stacked else plan.to_stage
        staged = self._workshop.stage(wanted, source, catalog)
        self._learned.update({layer.blob_digest: BlobFacts(layer.diff_id, layer.blob_size) for layer in staged})
        remote, plan = _informed(remote, self._known(remote, catalog), catalog)
        self._workshop.assign(staged, plan.to_stage)
        return remote, plan

    def _known(self, remote: RemoteImage, catalog: Catalog) -> dict[Digest, BlobFacts]:
        manifest = remote.manifest
        return {**_facts_in_store(catalog, manifest), **self._learned} if isinstance(manifest, Schema1Manifest) else {}


def _informed(remote: RemoteImage, known: Mapping[Digest, BlobFacts], catalog: Catalog) -> tuple[RemoteImage, Plan]:
    remote = remote.informed(known)
    return remote, make_plan(catalog, remote.layers, remote.config.diff_ids, remote.stand_ins)


def _sizes(plan: Plan, source: ImageSource) -> dict[Digest, int]:
    """What the source says of the sizes of the blobs that are to be fetched and whose manifest does not say it."""
    blobs = [layer.blob for layer in plan.layers if layer.action == FETCH and layer.blob.known_size is None]
    sizes = {blob.digest: source.blob_size(blob.digest) for blob in blobs}
    return {digest: size for digest, size in sizes.items() if size is not None}


def _with_sizes(known: Mapping[Digest, BlobFacts], sizes: Mapping[Digest, int]) -> dict[Digest, BlobFacts]:
    return {blob: BlobFacts(known.get(blob, BlobFacts()).diff_id, size) for blob, size in sizes.items()}


def _facts_in_store(catalog: Catalog, manifest: Schema1Manifest) -> dict[Digest, BlobFacts]:
    """What the layers of the store tell of the blobs of ``manifest``, and the images that were made from it."""
    known: dict[Digest, BlobFacts] = {}
    for image in catalog.images_with_digest(manifest.digest):
        # Its layers may have been there before, from blobs that were compressed in another way.
        for blob, layer in zip(manifest.layers, _whole_chain(catalog, image, len(manifest.layers))):
            known[blob] = BlobFacts(_digest(layer.diff_digest), size_in_record(layer, blob))
    for blob in manifest.layers:
        found = catalog.layer_of_blob(blob)
        if found is not None:
            known[blob] = BlobFacts(_digest(found.diff_digest), found.compressed_size)
    return known


def _whole_chain(catalog: Catalog, image: ImageRecord, length: int) -> Sequence[LayerRecord]:
    """The layers of ``image`` where there are ``length`` of them and all are complete, else none."""
    try:
        chain = catalog.layer_chain(image.layer) if image.layer else []
    except StoreDamaged:
        return ()
    return chain if len(chain) == length and not any(layer.incomplete for layer in chain) else ()


def _digest(text: str) -> Digest | None:
    # Another tool may have written anything there; the blob is then as good as unknown.
    with suppress(InvalidDigest):
        return Digest.parse(text)
    return None
