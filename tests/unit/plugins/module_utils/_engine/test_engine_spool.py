# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from ansible_collections.strata.containers.plugins.module_utils._engine.spool import Spool
from ansible_collections.strata.containers.plugins.module_utils._host.os_errors import NoSpace
from ansible_collections.strata.containers.plugins.module_utils._model.descriptor import Descriptor
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._transport.source import ImageSource

CONTENT = b"content"
BLOB = Descriptor("application/octet-stream", Digest("sha256", hashlib.sha256(CONTENT).hexdigest()), len(CONTENT))


class Source:
    """Has the blob, in two pieces."""

    def blob(self, blob: Descriptor) -> Iterator[bytes]:
        assert blob == BLOB
        yield CONTENT[:3]
        yield CONTENT[3:]


def fetch(directory: Path, counts: list[int], stop: threading.Event) -> bytes:
    blob = Spool(str(directory), counts.append).fetch(BLOB, cast(ImageSource, Source()), stop)
    return b"".join(blob.chunks())


def test_a_blob_is_there_after_it_was_fetched(tmp_path: Path) -> None:
    counts: list[int] = []
    assert fetch(tmp_path, counts, threading.Event()) == CONTENT and counts == [len(CONTENT)]


def test_a_disk_that_is_full_is_told_so_also_for_a_blob_smaller_than_any_buffer(tmp_path: Path) -> None:
    os.symlink("/dev/full", tmp_path / f"blob-{BLOB.digest.hex}")
    stop = threading.Event()
    with pytest.raises(NoSpace):
        fetch(tmp_path, [], stop)
    assert stop.is_set()


def test_a_disk_that_takes_no_new_file_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object, **_options: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "open", full)
    monkeypatch.setattr("builtins.open", full)
    with pytest.raises(NoSpace):
        fetch(tmp_path, [], threading.Event())
