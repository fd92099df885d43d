# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Values of records that this engine reads and the other tools do not.

One time or number that Go cannot hold makes the whole file unreadable for the other tools: older versions of podman see an
empty store then, and write that back at their next change. One image name that is no reference ends every listing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Union

from .._model.json_text import BadJson, parse_json
from .._model.reference import InvalidReference, parse_reference
from .._model.times import valid_time
from .driver import StoreDriver
from .edit import Tables
from .json_record import R, Record, is_count, is_count_list, is_id_map
from .layout import Layout
from .problem import CONTAINER, IMAGE, LAYER, Doing, Evidence, Mend, Problem
from .records import UNKNOWN_TIME, ContainerRecord, ImageRecord, LayerRecord
from .tables import RecordTable

_AnyRecord = Union[LayerRecord, ImageRecord, ContainerRecord]
_NUMBERS = (is_count, is_count_list, is_id_map)
_SHOWN = 40
_INTEGER = range(-(2**63), 2**63)
# Users and groups of a layer's archive.
_OWNERS = {"uidset": range(2**32), "gidset": range(2**32)}


def value_problems(evidence: Evidence) -> Iterator[Problem]:
    """What in the records the other tools cannot read, and records that are there twice."""
    catalog = evidence.catalog
    for word, records in ((LAYER, catalog.layers), (IMAGE, catalog.images), (CONTAINER, catalog.containers)):
        yield from _unreadable_values(word, records)
    for cls, record_id in evidence.repeated:
        mend = Mend("drop all but the first record", _writer(cls, record_id, {}))
        message = "the file has several records with this ID; newer tools use the first, older ones the last"
        yield Problem("record_repeated", record_id, message, mend)
    for image in catalog.images:
        if not _is_metadata(image.metadata):
            message = f"no tool can read the metadata {image.metadata[:_SHOWN]!r} of the image, nor list any image"
            mend = Mend("write empty metadata", _writer(ImageRecord, image.id, {"metadata": "{}"}))
            yield Problem("image_record_invalid", image.id, message, mend)
        for name in filter(_is_no_name, image.names):
            mend = Mend("take the name away", _without_name(image.id, name))
            yield Problem("image_name_invalid", image.id, f"no tool can read the name {name!r} of the image", mend)


def _unreadable_values(word: str, records: Iterable[_AnyRecord]) -> Iterator[Problem]:
    kind = f"{word}_record_invalid"
    for record in records:
        time = record.fields.get("created")
        if time is not None and not valid_time(time):
            message = f"the other tools cannot read the time {time!r} in the record, nor any other record of the file"
            unknown = _writer(record.__class__, record.id, {"created": UNKNOWN_TIME})
            yield Problem(kind, record.id, message, Mend("write that the time is unknown", unknown))
        for key, test in record.KEYS.items():
            if test in _NUMBERS and not all(number in _OWNERS.get(key, _INTEGER) for number in _numbers(record, key)):
                message = f"the other tools cannot read {key} in the record, nor any other record of the file"
                yield Problem(kind, record.id, message, damaged=(word, record.id))


def _numbers(record: _AnyRecord, key: str) -> Iterator[int]:
    """The numbers that the record has under ``key``: one, a list, or those of ID maps."""
    value: Any = record.fields.get(key)
    for item in value if isinstance(value, list) else [value or 0]:
        yield from item.values() if isinstance(item, dict) else [item]


def _is_metadata(text: str) -> bool:
    """Whether it is what containers/image writes there, an object as JSON; a record may have none."""
    try:
        value = parse_json(text.encode("utf-8", "replace"), "metadata", mark_repeated_keys=True) if text else None
    except BadJson:
        return False
    return value is None or isinstance(value, dict)


def _is_no_name(name: str) -> bool:
    try:
        parse_reference(name)
    except InvalidReference:
        return True
    return False


def _writer(kind: type[Record], record_id: str, values: dict[str, str]) -> Doing:
    """What writes the record again with other values, and all but the first of several with its ID away."""

    def write(tables: Tables, _layout: Layout, _driver: StoreDriver) -> None:
        if kind is LayerRecord:
            _write(tables.layers, record_id, values)
        elif kind is ImageRecord:
            _write(tables.images, record_id, values)
        else:
            _write(tables.containers, record_id, values)

    return write


def _write(table: RecordTable[R], record_id: str, values: dict[str, str]) -> None:
    record = table.get(record_id)
    if record is not None:
        table.replace(record.changed(**values) if values else record)
        table.save()


def _without_name(image_id: str, name: str) -> Doing:
    def take_away(tables: Tables, _layout: Layout, _driver: StoreDriver) -> None:
        image = tables.images.get(image_id)
        if image is not None:
            tables.images.replace(image.changed(names=[other for other in image.names if other != name]))
            tables.save_images()

    return take_away
