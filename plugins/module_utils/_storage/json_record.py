# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""One JSON object of a record file, and the files as arrays of them.

A record is a view over the object that was read. Keys that this engine does not know stay in it and are written back,
since tools of several versions share the files. Go writes the known keys in one fixed order, and leaves out most of
those that are empty; a changed record is put in that form again, an untouched one is written as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, Optional, TypeVar

from .._errors import DataError, HostError
from .._model.json_text import go_json, parse_json, plain_json

if TYPE_CHECKING:
    from typing import Self

R = TypeVar("R", bound="Record")
FieldTest = Callable[[Any], bool]


class StoreDamaged(HostError):
    """A file of the store does not hold what the format says."""

    code = "store_damaged"


def is_text(value: Any) -> bool:
    """Whether the value is a string."""
    return isinstance(value, str)


def is_count(value: Any) -> bool:
    """Whether the value is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_map(value: Any) -> bool:
    """Whether the value is an object."""
    return isinstance(value, dict)


def is_text_list(value: Any) -> bool:
    """Whether the value is a list of strings."""
    return isinstance(value, list) and all(map(is_text, value))


def is_count_list(value: Any) -> bool:
    """Whether the value is a list of whole numbers."""
    return isinstance(value, list) and all(map(is_count, value))


def is_text_map(value: Any) -> bool:
    """Whether the value is an object of strings."""
    return isinstance(value, dict) and all(map(is_text, value.values()))


def is_count_map(value: Any) -> bool:
    """Whether the value is an object of whole numbers."""
    return isinstance(value, dict) and all(map(is_count, value.values()))


def is_id_map(value: Any) -> bool:
    """Whether the value is a list of ID map entries."""
    return isinstance(value, list) and all(map(is_count_map, value))


@dataclass(frozen=True)
class Record:
    """One JSON object of a record file. ``fields`` holds every key that was read, known or not.

    ``store`` is the graph root of the additional store that it was read from, empty for a record of the store itself.
    """

    fields: Mapping[str, Any]
    store: str = ""

    # The known keys in the order in which Go writes them, each with the test that its value must pass.
    KEYS: ClassVar[Mapping[str, FieldTest]] = {}
    # The keys that are written even when they are empty, each with what stands for nothing.
    ALWAYS: ClassVar[Mapping[str, Any]] = {"id": ""}

    @property
    def id(self) -> str:
        """The ID, 64 hexadecimal digits in all that the tools make."""
        return self.fields.get("id") or ""

    @cached_property
    def text(self) -> str:
        """The record as Go's encoder writes it; made once, since each change of a store writes all records."""
        return go_json(self.fields)

    def changed(self, **values: Any) -> Self:
        """This record with other values, in Go's key order, empty values left out where Go leaves them out.

        A keyword is the JSON key with ``_`` for ``-``: ``changed(diff_digest="sha256:...", flags={})``.
        """
        fields = dict(self.fields)
        for keyword, value in values.items():
            key = keyword.replace("_", "-")
            if key not in self.KEYS:
                raise TypeError(f"{type(self).__name__} has no field {key}")
            fields[key] = value
        known = {key: fields.get(key) or self.ALWAYS[key] for key in self.KEYS if key in self.ALWAYS or fields.get(key)}
        unknown = {key: value for key, value in fields.items() if key not in self.KEYS}
        return type(self)({**known, **unknown}, self.store)

    @classmethod
    def of(cls, **values: Any) -> Self:
        """A new record; keywords as in changed()."""
        return cls({}).changed(**values)

    def _text(self, key: str) -> str:
        return self.fields.get(key) or ""

    def _count(self, key: str) -> int:
        return self.fields.get(key) or 0

    def _texts(self, key: str) -> tuple[str, ...]:
        return tuple(self.fields.get(key) or ())

    def _map(self, key: str) -> dict[str, Any]:
        return dict(self.fields.get(key) or {})

    def _id_map(self, key: str) -> tuple[dict[str, int], ...]:
        return tuple(dict(entry) for entry in self.fields.get(key) or ())


def decode_records(data: bytes | None, kind: type[R], path: str) -> list[R]:
    """The records that the bytes of a record file hold; none for an absent or empty file.

    ``path`` is named in errors. Raises StoreDamaged where the bytes are not a JSON array of objects whose known keys
    hold values of the right type. Go refuses such a file as a whole; older versions lose its records at the next save.
    """
    if not data:
        return []
    values = _usual_values(data, kind)
    if values is None:
        values = _judged_values(data, kind, path)
    return [kind(value) for value in values]


def encode_records(records: Iterable[Record]) -> bytes:
    """The bytes of a record file, as Go's encoder writes them."""
    return ("[" + ",".join([record.text for record in records]) + "]").encode("utf-8", "replace")


def _usual_values(data: bytes, kind: type[Record]) -> list[dict[str, Any]] | None:
    """The objects of a file in which all is as it should be; None where that is to be looked at closely.

    Stores have thousands of records, and nearly always nothing is wrong with any: so nothing is called for each of them.
    """
    values = plain_json(data)
    if not isinstance(values, list) or not set(map(type, values)) <= {dict}:
        return None
    odd: dict[str, list[Any]] = {}
    plain = {key: _CLASS[test] for key, test in kind.KEYS.items() if test in _CLASS}
    for value in values:
        for key, entry in value.items():
            if entry.__class__ is not plain.get(key):
                odd.setdefault(key, []).append(entry)
    for key, entries in odd.items():
        shape = _SHAPES.get(kind.KEYS[key]) if key in kind.KEYS else None
        if shape is None or set(map(type, entries)) != {shape.outer}:
            return None
        inner = chain.from_iterable(map(dict.values, entries) if shape.outer is dict else entries)
        if shape.inner is not None and not set(map(type, inner)) <= {shape.inner}:
            return None
    return values if all(map(_may_be_names, _names(values, kind))) else None


def _names(values: list[dict[str, Any]], kind: type[Record]) -> Iterator[list[str]]:
    """What becomes file names, key by key. An ID has to be there."""
    yield [value.get("id", "") for value in values]
    for key in _FILE_NAMES[1:]:
        if key in kind.KEYS:
            yield [name for name in [value.get(key) for value in values] if name]


def _may_be_names(names: list[str]) -> bool:
    text = "".join(names)
    return _NO_FILE_NAMES.isdisjoint(names) and "/" not in text and "\0" not in text


def _judged_values(data: bytes, kind: type[Record], path: str) -> list[dict[str, Any]]:
    """The objects of a file, each checked for itself so that an error can name it."""
    try:
        values = parse_json(data, path)
    except DataError as error:
        raise StoreDamaged(f"the record file is not valid JSON: {error.message}", subject=path) from error
    if values is None:
        return []
    if not isinstance(values, list):
        raise StoreDamaged("the record file does not hold a JSON array", subject=path)
    for position, value in enumerate(values):
        _check(kind, value, position, path)
    return values


def _check(kind: type[Record], value: Any, position: int, path: str) -> None:
    if not isinstance(value, dict):
        raise StoreDamaged(f"entry {position} of the record file is not a JSON object", subject=path)
    for key, test in kind.KEYS.items():
        if value.get(key) is not None and not test(value[key]):
            raise StoreDamaged(f"entry {position} of the record file has a {key} of the wrong type", subject=path)
    for key in _FILE_NAMES:
        if key in kind.KEYS:
            _check_name(value.get(key), key, position, path)


def _check_name(name: str | None, key: str, position: int, path: str) -> None:
    # IDs become file names; one that climbs out of its directory must not get that far.
    if name in (".", "..") or (key == "id" and not name) or (name and ("/" in name or "\0" in name)):
        raise StoreDamaged(
            f"entry {position} of the record file has a {key} that cannot be a file name",
            subject=path,
            found=repr(name),
        )


@dataclass(frozen=True)
class _Shape:
    """The class of a value that passes a test, and that of what is in it (None: anything)."""

    outer: type
    inner: Optional[type] = None


# The one class that a value has which passes the test.
_CLASS: Mapping[FieldTest, type] = {is_text: str, is_count: int}
_SHAPES: Mapping[FieldTest, _Shape] = {
    is_map: _Shape(dict),
    is_text_list: _Shape(list, str),
    is_count_list: _Shape(list, int),
    is_text_map: _Shape(dict, str),
    is_count_map: _Shape(dict, int),
}
# The keys whose values become file names, the ID first, and the names that a file cannot have.
_FILE_NAMES = ("id", "parent", "layer")
_NO_FILE_NAMES = frozenset(("", ".", ".."))
