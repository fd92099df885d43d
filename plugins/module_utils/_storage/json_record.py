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

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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


class Record:
    """One JSON object of a record file. ``fields`` holds every key that was read, known or not.

    ``id`` is its ID, 64 hexadecimal digits in all that the tools make, and ``store`` is the graph root of the additional store
    that it was read from, empty for a record of the store itself.
    None of them is ever changed. It is no data class, which would take three times as long to make: there are thousands.
    """

    __slots__ = ("_json", "fields", "id", "store")

    # The known keys in the order in which Go writes them, each with the test that its value must pass.
    KEYS: ClassVar[Mapping[str, FieldTest]] = {}
    # The keys that are written even when they are empty, each with what stands for nothing.
    ALWAYS: ClassVar[Mapping[str, Any]] = {"id": ""}

    def __init__(self, fields: Mapping[str, Any], store: str = "") -> None:
        self.fields = fields
        self.id: str = fields.get("id") or ""
        self.store = store
        self._json: str | None = None

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Record)
            and self.__class__ is other.__class__
            and (self.fields, self.store) == (other.fields, other.store)
        )

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({self.fields!r}, {self.store!r})"

    @property
    def text(self) -> str:
        """The record as Go's encoder writes it; made once, since each change of a store writes all records."""
        if self._json is None:
            self._json = go_json(self.fields)
        return self._json

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
    with _without_collector():
        values = _usual_values(data, kind)
        if values is None:
            values = _judged_values(data, kind, path)
        return [kind(value) for value in values]


def note_texts(data: bytes, records: Sequence[Record]) -> None:
    """Gives ``records`` the texts that they have in ``data``, the bytes of the file from which they were decoded.

    Then those that do not change are written as they were, and none of them is encoded again. Only in a file without white
    space around its objects, as Go writes it, can the texts be found without parsing. There the texts of two neighbours
    have ``},{`` between them; whatever else looks like that (an array of objects in a field, or something in a string)
    makes the count wrong.
    """
    text = data.decode("utf-8")
    if not (text.startswith("[{") and text.endswith("}]")) or any(space in text for space in _SPACES):
        return
    texts = text[2:-2].split("},{")
    if len(texts) == len(records):
        for record, inner in zip(records, texts):
            record._json = f"{{{inner}}}"  # pylint: disable=protected-access


def encode_records(records: Iterable[Record]) -> bytes:
    """The bytes of a record file, as Go's encoder writes them."""
    return ("[" + ",".join([record.text for record in records]) + "]").encode("utf-8", "replace")


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keeps Python's collector of cyclic garbage away, which would walk through all new records many times over.

    There are no cycles among them.
    """
    if not gc.isenabled():
        # Of two threads the second may get it back too early, which costs a little time; it is never left switched off.
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _usual_values(data: bytes, kind: type[Record]) -> list[dict[str, Any]] | None:
    """The objects of a file in which all is as it should be; None where that is to be looked at closely.

    Stores have thousands of records, and nearly always nothing is wrong with any: so nothing is called for each of them.
    """
    values = plain_json(data)
    if not isinstance(values, list) or not set(map(type, values)) <= {dict}:
        return None
    # Most records have the same keys, so that their values can be put in columns, and a column be judged at once.
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for value in values:
        alike.setdefault(tuple(value), []).append(value)
    for keys, group in alike.items():
        if "id" not in keys or not all(
            _is_usual(column, key, kind) for key, column in zip(keys, zip(*map(dict.values, group)))
        ):
            return None
    return values


def _is_usual(column: tuple[Any, ...], key: str, kind: type[Record]) -> bool:
    """Whether nothing is wrong with the values that records have under ``key``."""
    test = kind.KEYS.get(key)
    if test is None:
        return True
    shape = _SHAPES.get(test)
    if shape is None:
        return all(map(test, column))
    if set(map(type, column)) != {shape.outer}:
        return False
    if shape.inner is not None:
        inner = chain.from_iterable(map(dict.values, column) if shape.outer is dict else column)
        return set(map(type, inner)) <= {shape.inner}
    return key not in _FILE_NAMES or _may_be_names(column, key)


def _may_be_names(names: tuple[str, ...], key: str) -> bool:
    text = "".join(names)
    return _no_names(key).isdisjoint(names) and "/" not in text and "\0" not in text


def _no_names(key: str) -> frozenset[str]:
    """What the files that are named after a record's ``key`` cannot be called. An ID has to be there."""
    return frozenset((".", "..", "")) if key == "id" else frozenset((".", ".."))


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
    if (name or "") in _no_names(key) or (name and ("/" in name or "\0" in name)):
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


_SHAPES: Mapping[FieldTest, _Shape] = {
    is_text: _Shape(str),
    is_count: _Shape(int),
    is_map: _Shape(dict),
    is_text_list: _Shape(list, str),
    is_count_list: _Shape(list, int),
    is_text_map: _Shape(dict, str),
    is_count_map: _Shape(dict, int),
}
# White space next to an object. A string can hold the first two as well; that is taken for the same.
_SPACES = ("} ", " {", "\n", "\r", "\t")
# The keys whose values become file names.
_FILE_NAMES = ("id", "parent", "layer")
