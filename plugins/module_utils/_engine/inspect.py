# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The verb inspect: images of the store as data, read under shared locks and without a trace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .._model.json_text import parse_json
from .._storage.catalog import Catalog, read_catalog
from .._storage.layout import Layout
from .._storage.records import ImageRecord
from .describe import StoredImage, describe_image, read_image
from .names import knows_image
from .outcome import Outcome

if TYPE_CHECKING:
    from .._config.short_names import ShortNames

CONFIG = "config"
HISTORY = "history"
MANIFEST = "manifest"


def inspect_images(
    layout: Layout, names: Sequence[str] | None, gather: Sequence[str], short_names: Callable[[], ShortNames]
) -> Outcome:
    """The images that ``names`` ask for, in that order, and the names that are unknown; all images when ``names`` is None.

    ``gather`` adds ``config``, ``history`` and ``manifest`` to each. ``short_names`` is called for a name without a registry. A store that does not
    exist is an empty one. Raises AmbiguousName for an ID prefix that several images share.
    """
    catalog = read_catalog(layout)
    missing: list[str] = []
    records: list[ImageRecord] = []
    if names is None:
        records = list(catalog.images)
    else:
        for name in names:
            record = knows_image(catalog, name, short_names)
            if record is None:
                missing.append(name)
            else:
                records.append(record)
    images = [_describe(layout, catalog, record, gather) for record in records]
    return Outcome(False, {"images": images, "missing": missing})


def _describe(layout: Layout, catalog: Catalog, record: ImageRecord, gather: Sequence[str]) -> dict[str, Any]:
    stored = read_image(layout, catalog, record)
    return {**describe_image(layout, catalog, stored), **_details(stored, gather)}


def _details(stored: StoredImage, gather: Sequence[str]) -> dict[str, Any]:
    details: dict[str, Any] = {}
    if CONFIG in gather:
        details[CONFIG] = dict(stored.config.config) if stored.config else None
    if HISTORY in gather:
        details[HISTORY] = [dict(entry) for entry in stored.config.history] if stored.config else None
    if MANIFEST in gather:
        details[MANIFEST] = parse_json(stored.manifest.raw, "manifest") if stored.manifest else None
    return details
