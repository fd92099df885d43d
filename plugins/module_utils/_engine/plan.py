# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What a pull is going to do with each layer: the part of it that check mode prints."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

from .._model.descriptor import Descriptor
from .._model.digest import Digest
from .._model.layer_ids import layer_chain
from .._storage.catalog import Catalog

KEEP = "keep"
REUSE = "reuse"
FETCH = "fetch"


@dataclass(frozen=True)
class PlannedLayer:
    """One layer of an image and what is to be done about it.

    ``action`` is ``keep`` (the layer is in the store), ``reuse`` (the same content lies under another parent, in the store or
    further down in this image, and is copied from there) or ``fetch``.
    """

    action: str
    layer_id: str
    parent: str | None
    blob: Descriptor
    diff_id: Digest


@dataclass(frozen=True)
class Plan:
    """The layers of an image, base first, each with its action."""

    layers: tuple[PlannedLayer, ...]

    @property
    def chain(self) -> tuple[str, ...]:
        """The layer IDs, base first."""
        return tuple(layer.layer_id for layer in self.layers)

    @property
    def actions(self) -> dict[str, str]:
        """The action for each layer ID."""
        return {layer.layer_id: layer.action for layer in self.layers}

    @property
    def to_stage(self) -> tuple[PlannedLayer, ...]:
        """The layers that are not in the store yet."""
        return tuple(layer for layer in self.layers if layer.action != KEEP)

    def facts(self) -> dict[str, Any]:
        """How many layers are kept, reused and fetched, and how many compressed bytes the fetched ones have."""
        counts = {word: sum(layer.action == word for layer in self.layers) for word in (KEEP, REUSE, FETCH)}
        return {**counts, "bytes": sum(layer.blob.size for layer in self.layers if layer.action == FETCH)}


def make_plan(catalog: Catalog, blobs: Sequence[Descriptor], diff_ids: Sequence[Digest]) -> Plan:
    """The plan that brings the layers ``blobs`` with ``diff_ids`` into the store of ``catalog``.

    A layer is found by its ID, which covers its content and all below it; layers flagged incomplete do not count. Content
    that the image has several times is fetched for the first of them.
    """
    chain = layer_chain(tuple(diff_ids))
    parents = (None, *chain[:-1])
    planned: list[PlannedLayer] = []
    fetched: set[Digest] = set()
    for layer_id, parent, blob, diff_id in zip(chain, parents, blobs, diff_ids):
        action = _action(catalog, layer_id, diff_id, fetched)
        if action == FETCH:
            fetched.add(diff_id)
        planned.append(PlannedLayer(action, layer_id, parent, blob, diff_id))
    return Plan(tuple(planned))


def _action(catalog: Catalog, layer_id: str, diff_id: Digest, fetched: Set[Digest]) -> str:
    present = catalog.layer(layer_id)
    if present is not None and not present.incomplete:
        return KEEP
    return REUSE if diff_id in fetched or catalog.layers_with_diff(diff_id) else FETCH
