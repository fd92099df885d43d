# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import DataError
from ansible_collections.strata.containers.plugins.module_utils._model.json_object import JsonObject


class WrongDocument(DataError):
    code = "wrong_document"


class TwoMeanings(DataError):
    code = "two_meanings"


def an_object(value: Any) -> JsonObject:
    return JsonObject(value, "thing", WrongDocument)


@pytest.mark.parametrize(
    ("value", "found"),
    [(None, "null"), (True, "a boolean"), (1, "a number"), (1.5, "a number"), ("x", "text"), ([], "an array")],
)
def test_only_an_object_is_an_object(value: object, found: str) -> None:
    with pytest.raises(WrongDocument) as caught:
        an_object(value)
    assert (caught.value.subject, caught.value.wanted, caught.value.found) == ("thing", "an object", found)


READERS: dict[str, tuple[Callable[[JsonObject], object], object, object]] = {
    # name: how the key "k" is read, a value of the right type, what an absent key gives
    "optional text": (lambda o: o.optional_text("k"), "words", ""),
    "array": (lambda o: o.array("k"), [1, "x"], []),
    "texts": (lambda o: o.texts("k"), ["a", "b"], ()),
    "mapping": (lambda o: o.mapping("k"), {"x": 1}, {}),
    "text map": (lambda o: o.text_map("k"), {"x": "y"}, {}),
}


@pytest.mark.parametrize("case", sorted(READERS))
def test_an_optional_key_is_absent_when_it_is_null(case: str) -> None:
    read, value, absent = READERS[case]
    assert read(an_object({})) == absent
    assert read(an_object({"k": None})) == absent
    given = read(an_object({"k": value}))
    assert given == (tuple(value) if isinstance(value, list) and isinstance(given, tuple) else value)


@pytest.mark.parametrize("case", sorted(READERS))
@pytest.mark.parametrize("wrong", [False, 0, 1.5])
def test_a_false_value_of_another_type_is_not_absent(case: str, wrong: object) -> None:
    with pytest.raises(WrongDocument) as caught:
        READERS[case][0](an_object({"k": wrong}))
    assert caught.value.subject == "thing: k"


@pytest.mark.parametrize("value", [{}, {"k": None}])
def test_a_key_that_must_be_there_is_missed(value: object) -> None:
    for read in (JsonObject.text, JsonObject.size):
        with pytest.raises(WrongDocument) as caught:
            read(an_object(value), "k")
        assert caught.value.message == "a field is missing"
        assert caught.value.subject == "thing: k"


@pytest.mark.parametrize("size", [0, 1, 2**63 - 1])
def test_a_size_is_what_64_bits_hold(size: int) -> None:
    assert an_object({"k": size}).size("k") == size


@pytest.mark.parametrize("size", [-1, 2**63, -(10**400), 10**399, True, 1.0, "1", [1]])
def test_another_size_is_refused(size: object) -> None:
    with pytest.raises(WrongDocument) as caught:
        an_object({"k": size}).size("k")
    assert caught.value.subject == "thing: k"


def test_the_place_inside_a_list_or_map_is_named() -> None:
    with pytest.raises(WrongDocument) as caught:
        an_object({"k": ["a", 2]}).texts("k")
    assert caught.value.subject == "thing: k[1]"
    with pytest.raises(WrongDocument) as caught:
        an_object({"k": {"a": "b", "c": None}}).text_map("k")
    assert caught.value.subject == "thing: k.c"


# Go takes each of these for the key beside it.
LOOK_ALIKES = [("Layers", "layers"), ("LAYERS", "layers"), ("layer\u017f", "layers"), ("blob\u212aey", "blobKey")]


@pytest.mark.parametrize(("key", "known"), LOOK_ALIKES)
def test_a_key_that_go_takes_for_another_is_refused(key: str, known: str) -> None:
    with pytest.raises(TwoMeanings) as caught:
        an_object({key: 1}).refuse_look_alikes((known,), TwoMeanings)
    assert (caught.value.wanted, caught.value.found) == (known, key)


def test_known_and_unknown_keys_are_no_look_alikes() -> None:
    an_object({"layers": 1, "annotationsX": 2, "": 3}).refuse_look_alikes(("layers", "annotations"), TwoMeanings)


def test_an_error_does_not_show_the_value() -> None:
    with pytest.raises(WrongDocument) as caught:
        an_object({"k": ["hunter2"]}).text("k")
    assert "hunter2" not in str(caught.value)
