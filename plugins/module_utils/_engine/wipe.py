# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The verb wipe: a store without anything in it, for whoever can say which store that is."""

from __future__ import annotations

import os
from typing import Any

from .._errors import HostError, UsageError
from .._report import Reporter
from .._storage.catalog import Catalog, shared_locks
from .._storage.driver import StoreDriver
from .._storage.layout import Layout
from .._storage.problem import Elsewhere, Evidence, read_evidence
from .._storage.wipe import in_use, is_store, remains, wipe
from .outcome import Outcome


class WrongConfirmation(UsageError):
    """The path that was given to confirm the wipe is not that of the store."""

    code = "wrong_confirmation"


class NotAStore(UsageError):
    """The directory holds something, and that is no store."""

    code = "not_a_store"


class StoreInUse(HostError):
    """Other tools have mounted something of the store, and the task did not say that this does not matter."""

    code = "store_in_use"


def wipe_store(
    layout: Layout, driver: StoreDriver, confirm: str, reporter: Reporter, *, force: bool, check_mode: bool
) -> Outcome:
    """The store with nothing in it; unchanged where that is so already, and where there is no store at all.

    ``confirm`` must be the path of the graph root. What this engine mounted is unmounted; what others mounted, and record
    files that cannot be read, are errors unless ``force`` is set. Raises WrongConfirmation, NotAStore, StoreInUse,
    StoreDamaged and HostError before anything is done.
    """
    if os.path.normpath(confirm) != os.path.normpath(layout.graph_root):
        raise WrongConfirmation(
            "the confirmation names another directory than the graph root",
            subject=layout.graph_root,
            wanted=layout.graph_root,
            found=confirm,
        )
    if not is_store(layout):
        raise NotAStore(f"the directory is not a store of the {layout.driver} driver", subject=layout.graph_root)
    with shared_locks(layout):
        evidence = read_evidence(layout, Elsewhere())
        rest = remains(evidence)
        if not force:
            _ensure_free(evidence)
    facts = _facts(evidence.catalog)
    changed = bool(any(facts["deleted"].values()) or rest or evidence.catalog.mount_counts)
    if evidence.counts_unreadable is not None:
        changed = True
    if changed and not check_mode:
        unreadable = [error.subject for error in evidence.unreadable]
        unreadable += [evidence.counts_unreadable.subject] if evidence.counts_unreadable else []
        wipe(layout, driver, tuple(unreadable))
        reporter.step("wiped", layout.graph_root, **facts["deleted"], remains=len(rest))
    return Outcome(changed, facts, _names(evidence.catalog), _names(Catalog()))


def _ensure_free(evidence: Evidence) -> None:
    for error in (*evidence.unreadable, *([evidence.counts_unreadable] if evidence.counts_unreadable else [])):
        raise error
    used = [f"{name} at {point}" for name, point in in_use(evidence)]
    if used:
        raise StoreInUse(
            "the store is in use: unmount what is mounted, or force the wipe",
            subject=evidence.layout.graph_root,
            wanted="no mounts of other tools",
            found=", ".join(used),
        )


def _facts(catalog: Catalog) -> dict[str, Any]:
    layers = sum(max(layer.diff_size or 0, 0) for layer in catalog.layers)
    data = sum(sum(image.big_data_sizes.values()) for image in catalog.images)
    deleted = {"containers": len(catalog.containers), "images": len(catalog.images), "layers": len(catalog.layers)}
    return {"deleted": deleted, "space_reclaimed": layers + data}


def _names(catalog: Catalog) -> dict[str, Any]:
    return {
        "containers": {record.id: list(record.names) for record in catalog.containers},
        "images": {record.id: list(record.names) for record in catalog.images},
        "layers": [record.id for record in catalog.layers],
    }
