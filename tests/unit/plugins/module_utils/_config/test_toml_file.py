# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TOML files are read whole, and what is wrong with one is said with its place."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config import toml_file
from ansible_collections.strata.containers.plugins.module_utils._config.table import Table
from ansible_collections.strata.containers.plugins.module_utils._config.toml_file import (
    InvalidConfig,
    parse_toml,
    read_toml,
)
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError, MissingLibraryError
from hypothesis import given, settings
from hypothesis import strategies as st


def test_a_missing_file_is_none(tmp_path: Path) -> None:
    assert read_toml(str(tmp_path / "missing")) is None
    assert read_toml(str(tmp_path / "missing/below")) is None


def test_a_file_is_its_values(tmp_path: Path) -> None:
    (tmp_path / "a").write_text('[storage]\ndriver = "overlay"\n')
    assert read_toml(str(tmp_path / "a")) == {"storage": {"driver": "overlay"}}


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HostError):
        read_toml(str(tmp_path))


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"a = 1\nb = \n", "line 2"),
        (b"a = 1\na = 2\n", "line 2"),
        (b"a = 1\n\nb = '\xff'\n", "line 3"),
        (b"a = " + b"[" * 100000, "nested too deeply"),
    ],
    ids=["no value", "key twice", "not UTF-8", "deep"],
)
def test_an_error_names_file_and_place(data: bytes, place: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        parse_toml(data, "/etc/x.conf")
    assert str(caught.value).startswith("/etc/x.conf: ") and place in str(caught.value)


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_any_bytes_give_values_or_its_own_error(data: bytes) -> None:
    try:
        assert isinstance(parse_toml(data, "x"), dict)
    except InvalidConfig:
        pass


def test_a_python_without_a_parser_gives_the_library_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(toml_file, "importlib", SimpleNamespace(import_module=nothing))
    with pytest.raises(MissingLibraryError) as caught:
        parse_toml(b"", "/etc/x.conf")
    assert caught.value.library == "tomli" and "/etc/x.conf" in caught.value.reason


TABLE = Table(
    {"text": "x", "flag": True, "texts": ["a"], "table": {"key": 1}, "tables": [{"key": 2}], "null": None}, "f", "t"
)


def test_a_table_gives_values_of_the_type_asked_for() -> None:
    assert TABLE.text("text") == "x"
    assert TABLE.flag("flag") is True
    assert TABLE.texts("texts") == ("a",)
    assert TABLE.table("table") == Table({"key": 1}, "f", "t.table")
    assert TABLE.tables("tables") == (Table({"key": 2}, "f", "t.tables[0]"),)


@pytest.mark.parametrize("key", ["absent", "null"])
def test_what_is_absent_is_empty(key: str) -> None:
    assert TABLE.text(key) == ""
    assert TABLE.flag(key) is False
    assert TABLE.texts(key) == ()
    assert TABLE.table(key).values == {}
    assert TABLE.tables(key) == ()


@pytest.mark.parametrize(
    ("method", "key"),
    [
        ("text", "flag"),
        ("flag", "text"),
        ("texts", "text"),
        ("texts", "tables"),
        ("table", "texts"),
        ("tables", "texts"),
    ],
)
def test_another_type_is_an_error_with_its_place_and_without_the_value(method: str, key: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        getattr(TABLE, method)(key)
    assert str(caught.value).startswith(f"f: t.{key}: wrong type")
    assert "'x'" not in str(caught.value)
