# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever an unpacking process answers, the caller gets a layer whose facts are sane, or one of its own errors."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import DataError, HostError, StrataError
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter
from ansible_collections.strata.containers.plugins.module_utils._storage import unpacker as unpacker_file
from ansible_collections.strata.containers.plugins.module_utils._storage.unpacker import Unpacker, UnpackFailed
from security import lying_worker
from security.unpacking import Layer, descendants, unpack

_HONEST: dict[str, Any] = {
    "diff_id": "sha256:" + "0" * 64,
    "diff_size": 1024,
    "compression": 2,
    "uids": [0],
    "gids": [0],
    "root_attributes": False,
    "deferred": [],
    "confinement": {},
}


@pytest.fixture
def liar(staging: str) -> Iterator[Unpacker]:
    with Unpacker(staging, Reporter(), lying_worker.__name__) as unpacker:
        yield unpacker


def _say(liar: Unpacker, staging: str, order: bytes, answer: object = None) -> Layer:
    text = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return unpack(liar, staging, "layer", order + b" " + text)


def test_an_honest_answer_is_believed(liar: Unpacker, staging: str) -> None:
    layer = _say(liar, staging, b"say", _HONEST)
    assert (layer.facts.diff_size, layer.facts.compression, layer.facts.uids) == (1024, 2, (0,))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"not JSON",
        b"\xff\xfe",
        b"[" * 100_000,
        [],
        None,
        {},
        {**_HONEST, "diff_id": "sha256:00"},
        {**_HONEST, "diff_id": None},
        {**_HONEST, "diff_size": -1},
        {**_HONEST, "diff_size": 1 << 64},
        {**_HONEST, "diff_size": "1024"},
        {**_HONEST, "diff_size": True},
        {**_HONEST, "compression": 9},
        {**_HONEST, "compression": []},
        {**_HONEST, "uids": [1 << 32]},
        {**_HONEST, "uids": ["root"]},
        {**_HONEST, "gids": 7},
        {**_HONEST, "confinement": []},
        {**_HONEST, "deferred": [["a", "b"]]},
        {**_HONEST, "deferred": [["!", "!", "!"]]},
        {**_HONEST, "deferred": [[1, 2, 3]]},
        {**_HONEST, "deferred": 5},
    ],
)
def test_nonsense_is_an_error(liar: Unpacker, staging: str, answer: object) -> None:
    with pytest.raises(UnpackFailed):
        _say(liar, staging, b"say", answer)


@pytest.mark.parametrize(
    "facts",
    [
        "text",
        [],
        {},
        {"family": "UsageError", "message": "the user is wrong"},
        {"family": "object", "message": []},
        {"family": "MissingLibraryError"},
        {"family": "DataError", "message": "\udcff" * 10_000, "code": {}},
    ],
)
def test_any_error_that_is_reported_can_be_raised_and_printed(liar: Unpacker, staging: str, facts: object) -> None:
    with pytest.raises(StrataError) as caught:
        _say(liar, staging, b"say", {"error": facts})
    assert len(str(caught.value).encode()) < 100_000


def test_an_endless_answer_is_cut_off(liar: Unpacker, staging: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacker_file, "_LONGEST_ANSWER", 4 << 20)
    with pytest.raises(UnpackFailed, match="said more than"):
        _say(liar, staging, b"flood", None)


@pytest.mark.parametrize(("order", "word"), [(b"die", "SIGKILL"), (b"die", "SIGSEGV"), (b"exit", "3"), (b"exit", "0")])
def test_the_death_of_the_process_is_named(liar: Unpacker, staging: str, order: bytes, word: str) -> None:
    with pytest.raises(UnpackFailed, match=word if word != "0" else "said nothing"):
        _say(liar, staging, order, word.encode())


def test_a_process_left_behind_does_not_outlive_the_unpacker(staging: str) -> None:
    with Unpacker(staging, Reporter(), lying_worker.__name__) as liar:
        _say(liar, staging, b"linger", _HONEST)
        assert len(descendants(os.getpid())) == 2  # zygote, and what the child left
    assert descendants(os.getpid()) == []


def _deferred(path: bytes, name: bytes, value: bytes = b"y") -> dict[str, Any]:
    return {**_HONEST, "deferred": [[base64.b64encode(part).decode() for part in (path, name, value)]]}


@pytest.mark.parametrize("path", [b"/outside", b"../../../outside", b"/../../outside"])
def test_deferred_attributes_cannot_be_set_outside(staging: str, tmp_path: Path, path: bytes) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    absolute = b"/" + os.fsencode(outside).lstrip(b"/")
    with Unpacker(staging, Reporter(), lying_worker.__name__) as liar, pytest.raises(DataError):
        _say(liar, staging, b"say", _deferred(path if path != b"/outside" else absolute, b"trusted.overlay.opaque"))
    assert os.listxattr(outside) == []


@pytest.mark.parametrize("name", [b"user.x", b"system.posix_acl_access", b"", b"trusted"])
def test_only_privileged_attributes_can_be_deferred(liar: Unpacker, staging: str, name: bytes) -> None:
    with pytest.raises(DataError):
        _say(liar, staging, b"say", _deferred(b"/", name))


def test_a_worker_that_cannot_be_imported_is_an_error_that_names_it(staging: str) -> None:
    with Unpacker(staging, Reporter(), "security.no_such_worker") as unpacker:
        # The helper is not waited for: the first thing that needs it tells, and so does everything after it.
        feed = unpacker.start("layer", os.path.join(staging, "tar-split"))
        with pytest.raises(HostError, match="no_such_worker"):
            feed.finish()
        with pytest.raises(HostError, match="no_such_worker"):
            unpacker.start("next", os.path.join(staging, "tar-split2"))
    assert descendants(os.getpid()) == []


def test_a_download_ends_where_the_helper_could_not_start(staging: str) -> None:
    with Unpacker(staging, Reporter(), "security.no_such_worker") as unpacker:
        feed = unpacker.start("layer", os.path.join(staging, "tar-split"))
        with pytest.raises(HostError, match="no_such_worker"):
            # The pipe takes no more than one of them.
            for _count in range(10):
                feed.write(bytes(1 << 20))
        feed.abort()
