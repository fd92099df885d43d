# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Removing layers so that a kill at any point leaves the layer, or a record that tells the next process to go on.

The steps are those of ``deleteInDefer`` in containers/storage; see also its treatment of the flag ``incomplete`` when
it loads the layers.
"""

from __future__ import annotations

from collections.abc import Iterable

from .._host.remove_tree import remove_tree
from .driver import TreeDriver
from .edit import Tables
from .layout import Layout

INCOMPLETE = "incomplete"


def remove_layers(tables: Tables, layout: Layout, driver: TreeDriver, layer_ids: Iterable[str]) -> None:
    """Removes the given layers with their trees, data and records; the locks of ``tables`` are held.

    The caller has seen to it that nothing uses them. A layer without a record may still have files; these go too.
    Raises HostError; the records then say ``incomplete``.
    """
    wanted = list(layer_ids)
    complete = [record for record in map(tables.layers.get, wanted) if record and not record.incomplete]
    if complete:
        for record in complete:
            tables.layers.replace(record.changed(flags={**record.flags, INCOMPLETE: True}))
        tables.save_layers()
    for layer_id in wanted:
        driver.remove(layer_id)
        # A tree too: what damage put in the place of the file must not keep the layer, and all changes after this, from going.
        remove_tree(layout.tar_split(layer_id))
        remove_tree(layout.layer_data(layer_id))
        tables.layers.remove(layer_id)
    tables.save_layers()


def remove_incomplete(tables: Tables, layout: Layout, driver: TreeDriver) -> None:
    """Removes the layers that a process was making or deleting when it died.

    Whoever makes or deletes a layer holds the exclusive lock all the while, which is ours now: nobody is at work on
    them.
    """
    remove_layers(
        tables, layout, driver, [record.id for record in tables.layers if record.has_flags and record.incomplete]
    )
