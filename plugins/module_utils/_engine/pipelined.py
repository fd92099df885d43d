# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Which layers are worth two threads: those that a processor would have to wait for."""

from __future__ import annotations

from collections.abc import Sequence

from .plan import PlannedLayer

_MORE_THAN_SHARE = 1.5


def pipelined(layers: Sequence[PlannedLayer], *, at_once: bool, processors: int) -> frozenset[str]:
    """The IDs of the layers that are to be inflated and hashed by one thread and written by another.

    The second thread costs some time of the processor, so it has to be one that would be idle: where layers are not unpacked
    ``at_once``, and where one of them takes longer than its share. For that it must have half as many compressed bytes again
    as its share, since those of small files take longer than those of large ones.
    """
    if processors < 2:
        return frozenset()
    if not at_once:
        return frozenset(layer.layer_id for layer in layers)
    # A registry that speaks schema 1 does not tell the sizes.
    sizes = {layer.layer_id: max(layer.blob.size, 1) for layer in layers}
    more_than_share = sum(sizes.values()) * _MORE_THAN_SHARE / processors
    return frozenset(layer_id for layer_id, size in sizes.items() if size > more_than_share)
