# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import posixpath

import pytest
from ansible_collections.strata.containers.plugins.module_utils._layer.member_name import clean_name, readable
from hypothesis import given
from hypothesis import strategies as st


# The table of Go's path.Clean (path/path_test.go), as its documentation describes it.
@pytest.mark.parametrize(
    ("name", "clean"),
    [
        (b"", b"."),
        (b"abc", b"abc"),
        (b"abc/def", b"abc/def"),
        (b".", b"."),
        (b"./", b"."),
        (b"..", b".."),
        (b"../..", b"../.."),
        (b"/abc", b"/abc"),
        (b"/", b"/"),
        (b"//", b"/"),
        (b"//abc", b"/abc"),
        (b"///abc", b"/abc"),
        (b"abc/", b"abc"),
        (b"abc//", b"abc"),
        (b"abc//def//ghi", b"abc/def/ghi"),
        (b"./abc", b"abc"),
        (b"././abc", b"abc"),
        (b"./../abc", b"../abc"),
        (b".//abc", b"abc"),
        (b"abc/./def", b"abc/def"),
        (b"/./abc/def", b"/abc/def"),
        (b"abc/.", b"abc"),
        (b"abc/..", b"."),
        (b"abc/def/../ghi/../jkl", b"abc/jkl"),
        (b"abc/../../def", b"../def"),
        (b"/../abc", b"/abc"),
        (b"/abc/../..", b"/"),
        (b"..abc/.d", b"..abc/.d"),
        (b"a.../b", b"a.../b"),
        (b"a\nb/\xff", b"a\nb/\xff"),
        (b"a/..\n", b"a/..\n"),
    ],
)
def test_name_is_cleaned_as_go_does(name: bytes, clean: bytes) -> None:
    assert clean_name(name) == clean


@given(st.lists(st.sampled_from([b"a", b"b.", b".c", b".", b"..", b"", b"\n"])).map(b"/".join))
def test_shortcut_gives_what_the_long_way_gives(name: bytes) -> None:
    clean = clean_name(name)
    assert clean == posixpath.normpath(name).replace(b"//", b"/")
    assert clean_name(clean) == clean


@pytest.mark.parametrize(
    ("name", "text"),
    [(b"usr/bin", "usr/bin"), ("ä".encode(), "ä"), (b"\xe4", "\\xe4"), (b"a\x1b[2Jb\n", "a\\x1b[2Jb\\n")],
)
def test_message_shows_a_name_without_harm(name: bytes, text: str) -> None:
    assert readable(name) == text
