# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must be the same in a store that podman filled and in one that we filled: every record, tree and archive.

Left out is what podman 4.3 and later versions do not do alike, and what depends on the moment.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections import Counter
from typing import Any

from .store_state import state, without_rooms
from .stores import Store

_SIGNATURES = "signature-"
# The key of a big data item that begins with it, as the name of a file.
_SIGNATURES_ENCODED = "=" + base64.b64encode(_SIGNATURES.encode()).decode()[:12]
_OF_THE_BLOB = ("compression", "compressed-size", "compressed-diff-digest")


def pulled_state(store: Store, since_ns: int) -> dict[str, Any]:
    """The state of a store into which images were pulled after ``since_ns``, to be compared with another one's."""
    found = without_rooms(state(store))
    since = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(since_ns // 10**9))
    return {
        **found,
        "images": [_image(record, since) for record in found["images"]],
        "layers": _layers(found["layers"]),
        "files": {
            name: _file(name, entry, since_ns)
            for name, entry in found["files"].items()
            if _SIGNATURES_ENCODED not in name
        },
    }


def _image(record: dict[str, Any], since: str) -> dict[str, Any]:
    """Without the note that there are no signatures, which podman 4.3 makes of images that a registry cannot have them of."""
    if record["created"] >= since and record["created"].endswith("Z"):
        record["created"] = "at the pull"
    record["metadata"] = ""
    record["big-data-names"] = [key for key in record["big-data-names"] if not key.startswith(_SIGNATURES)]
    for facts in ("big-data-sizes", "big-data-digests"):
        record[facts] = {key: value for key, value in record[facts].items() if not key.startswith(_SIGNATURES)}
    return record


def _layers(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A tar that is in two layers may come from either blob."""
    times = Counter(record.get("diff-digest") for record in records)
    return [
        {
            key: value
            for key, value in record.items()
            if times[record.get("diff-digest")] == 1 or key not in _OF_THE_BLOB
        }
        for record in records
    ]


def _file(name: str, entry: Any, since_ns: int) -> Any:
    if name.endswith(".tar-split.gz"):
        return [*entry[:3], _records(entry[3])]
    if name.endswith(("/work", "/merged")):
        # The owner is that of the parent layer's directory with podman 4.3, and that of its root with later versions.
        return entry[0]
    if name.endswith("/diff"):
        return {path: _timeless(path, facts, since_ns) for path, facts in entry.items()}
    return entry


def _timeless(path: str, facts: dict[str, Any], since_ns: int) -> dict[str, Any]:
    """Without the time of a directory that no member of the archive names: it was made on the way, just now."""
    facts = {key: value for key, value in facts.items() if path != "." or key != "owner"}
    if facts.get("mtime_ns", 0) >= since_ns and facts["mtime_ns"] <= time.time_ns():
        facts["mtime_ns"] = "made on the way"
    return facts


def _records(text: str) -> list[str]:
    """tar-split's records, each run of raw bytes as one: how it is cut depends on how the blob came."""
    found: list[str] = []
    raw = b""
    for line in text.split("\n"):
        record = json.loads(line) if line else {"type": 2, "payload": ""}
        if record["type"] == 2:
            raw += base64.b64decode(record["payload"])
            continue
        found += [hashlib.sha256(raw).hexdigest(), line.rpartition(',"position"')[0]]
        raw = b""
    return [*found, hashlib.sha256(raw).hexdigest()]
