# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An error that crosses a process is the same error on the other side, and nothing that arrives can do harm."""

from __future__ import annotations

import errno
import json
import os

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import (
    DataError,
    HostError,
    MissingLibraryError,
    RefusedError,
    RemoteError,
    StrataError,
    UsageError,
)
from ansible_collections.strata.containers.plugins.module_utils._host.error_document import describe_error, revive_error
from hypothesis import given
from hypothesis import strategies as st


class _Leaf(DataError):
    code = "leaf"


def _through(error: BaseException) -> StrataError:
    return revive_error(json.loads(json.dumps(describe_error(error, "unpack the layer"))))


@pytest.mark.parametrize(
    "error",
    [
        DataError("bad", subject="etc/x", wanted="a", found="b"),
        _Leaf("bad", subject="etc/x"),
        HostError("full", code="no_space"),
        RefusedError("no"),
        RemoteError("gone"),
        UsageError("wrong"),
    ],
)
def test_family_words_and_facts_survive(error: StrataError) -> None:
    revived = _through(error)
    assert revived.facts() == error.facts()
    assert str(revived) == str(error)
    assert isinstance(error, type(revived))


def test_a_missing_library_keeps_its_name_and_reason() -> None:
    revived = _through(MissingLibraryError("zstandard", "to unpack a layer"))
    assert isinstance(revived, MissingLibraryError)
    assert (revived.library, revived.reason, revived.code) == ("zstandard", "to unpack a layer", "missing_library")


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, "no_space"), (errno.EPERM, "permission_denied"), (errno.EIO, "host")]
)
def test_an_error_of_the_system_says_what_it_stood_in_the_way_of(number: int, code: str) -> None:
    revived = _through(OSError(number, os.strerror(number)))
    assert isinstance(revived, HostError)
    assert revived.code == code
    assert revived.message == f"cannot unpack the layer: {os.strerror(number)}"


def test_too_little_memory_has_a_word_of_its_own() -> None:
    assert _through(MemoryError()).code == "no_memory"


def test_a_defect_is_told_with_its_place() -> None:
    def deep() -> None:
        raise KeyError("word")

    with pytest.raises(KeyError) as caught:
        deep()
    revived = _through(caught.value)
    assert isinstance(revived, HostError)
    assert revived.code == "internal"
    assert "KeyError: 'word'" in revived.message and "deep:" in revived.message


# A small alphabet with what is hard: no text at all (a lone surrogate), control characters, more than one byte.
_TEXT = st.text('a"\u00e4\U0001f40b\udcff\0\n', max_size=20)
_FIELDS = ("family", "message", "object", "wanted", "found", "code", "library", "reason")


@given(st.dictionaries(st.sampled_from(_FIELDS), st.none() | _TEXT | st.integers() | st.lists(_TEXT)))
def test_any_document_is_revived_as_an_error_that_can_be_printed(document: dict[str, object]) -> None:
    error = revive_error(document)
    assert isinstance(error, StrataError)
    str(error).encode("utf-8")
    assert all(isinstance(value, str) for value in error.facts().values())
