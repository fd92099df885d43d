# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The record and the big data of a pulled image, as containers/image stores them."""

from __future__ import annotations

from .._model.manifest import Manifest
from .._model.times import ZERO_TIME, go_time
from .._storage.commit import NewImage
from .._storage.image_signatures import ManifestSignatures
from .plan import Plan
from .resolve import RemoteImage


def new_image(names: tuple[str, ...], remote: RemoteImage, plan: Plan, signatures: ManifestSignatures) -> NewImage:
    """What a commit is to record of ``remote``, whose layers are those of ``plan``, under ``names`` and with ``signatures``."""
    return NewImage(
        image_id=remote.image_id,
        names=names,
        digest=remote.digest,
        top_layer=plan.chain[-1] if plan.chain else None,
        created=_time(remote),
        big_data=_big_data(remote),
        signatures=signatures,
        chain=plan.chain,
    )


def _big_data(remote: RemoteImage) -> tuple[tuple[str, bytes], ...]:
    """The config, the indexes if any, and the manifest under two keys; of schema 1 no config."""
    manifest = remote.manifest
    items = [(str(manifest.config.digest), remote.config.raw)] if isinstance(manifest, Manifest) else []
    items += [(f"manifest-{index.digest}", index.raw) for index in remote.indexes]
    items += [(f"manifest-{manifest.digest}", manifest.raw), ("manifest", manifest.raw)]
    return tuple(items)


def _time(remote: RemoteImage) -> str:
    """The time in the config; empty where it has none, or Go's zero, for the image then has that of its commit."""
    created = go_time(remote.config.created)
    return "" if created == ZERO_TIME else created
