# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Record files that are gone or empty while the store still has what they told of.

To every tool such a file is one without records, so that trees and data look like what belongs to nothing. No tool ever leaves
an empty file; a missing one is how each store begins, and there what other records name tells the two apart.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from .._host.atomic_files import read_file
from .problem import Evidence, Problem, listed

RECORDS_MISSING = "records_missing"

_ID_LENGTH = 64


def lost_records(evidence: Evidence) -> Iterator[Problem]:
    """One problem for each file of records that was lost as a whole. Raises HostError."""
    layout, catalog = evidence.layout, evidence.catalog
    tops = {image.layer for image in catalog.images} | {container.layer for container in catalog.containers}
    layers = sorted(tops - {""} - evidence.elsewhere.layers)
    images = sorted({container.image for container in catalog.containers} - {""} - evidence.elsewhere.images)
    if not catalog.layers and any(os.path.isdir(layout.diff(layer_id)) for layer_id in layers):
        yield from _lost(layout.layers_json, missing_too=True)
    if not catalog.images and _has_directories(layout.images_dir):
        named = any(os.path.isdir(layout.image_dir(image_id)) for image_id in images)
        yield from _lost(layout.images_json, missing_too=named)
    if not catalog.containers and _has_directories(layout.containers_dir):
        yield from _lost(layout.containers_json, missing_too=False)


def _lost(path: str, *, missing_too: bool) -> Iterator[Problem]:
    data = read_file(path)
    if data or (data is None and not missing_too):
        return
    state = "is missing" if data is None else "is empty"
    message = f"the record file {state}, and what it told of is there: restore it, or write [] into it to do without"
    yield Problem(RECORDS_MISSING, path, message)


def _has_directories(directory: str) -> bool:
    """Whether there is data of an image or container."""
    return any(len(name) == _ID_LENGTH and os.path.isdir(path) for name, path in listed(directory))
