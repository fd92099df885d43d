# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is written as TOML reads back as what it was, in a stable order."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.strata.containers.plugins.plugin_utils._toml import read_toml, to_toml
from hypothesis import given
from hypothesis import strategies as st

# TOML has no lone surrogates; integers have 64 bits.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
PLAIN = TEXTS | st.booleans() | st.integers(-(2**63), 2**63 - 1)
VALUES = PLAIN | st.lists(PLAIN, max_size=3)
TABLES = st.recursive(
    st.dictionaries(TEXTS, VALUES, max_size=3),
    lambda inner: st.dictionaries(TEXTS, VALUES | inner | st.lists(inner, min_size=1, max_size=2), max_size=3),
    max_leaves=8,
)


@given(TABLES)
def test_a_document_reads_back_as_it_was(document: dict) -> None:
    assert read_toml(to_toml(document)) == document


@given(TABLES)
def test_the_order_of_keys_does_not_matter(document: dict) -> None:
    assert to_toml(dict(reversed(list(document.items())))) == to_toml(document)


def test_values_come_before_tables_and_tables_before_none() -> None:
    document = {"b": {"z": {"y": 1}, "a": True}, "a": ["x"], "c": [{"k": "v"}, {"k": "w"}]}
    assert to_toml(document) == 'a = ["x"]\n\n[b]\na = true\n\n[b.z]\ny = 1\n\n[[c]]\nk = "v"\n\n[[c]]\nk = "w"\n'


@pytest.mark.parametrize("value", [None, 1.5, {1, 2}, ["a", {"b": 1}], b"x"], ids=repr)
def test_a_value_without_a_place_is_refused(value: object) -> None:
    with pytest.raises(AnsibleFilterError, match="no place|reads back"):
        to_toml({"storage": {"key": value}})


def test_malformed_toml_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="invalid TOML"):
        read_toml("[storage")
