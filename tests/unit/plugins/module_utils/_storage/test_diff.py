# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import StrataError
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import Catalog
from ansible_collections.strata.containers.plugins.module_utils._storage.diff import ReassemblyFailed, reassemble
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.records import LayerRecord
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._storage.store_fakes import (
    FIXTURES,
    layout_in,
)

# The layer that podman imported; its ID is its diff ID.
BASE = "9d215d76ad2209a4be74ac1777234727c754722e28ab5a9bcb71f9ea01d8e9df"
TAR_SPLIT = FIXTURES / f"{BASE}.tar-split.gz"
CATALOG = Catalog(layers=(LayerRecord.of(id="below"), LayerRecord.of(id=BASE, parent="below")))
LAYER = CATALOG.layers[1]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """The tree of the layer as it was unpacked, over an empty one, with podman's own tar-split file."""
    layout = layout_in(tmp_path)
    os.makedirs(f"{layout.diff(BASE)}/etc")
    os.makedirs(layout.diff("below"))
    Path(layout.diff(BASE), "etc", "hello").write_text("hello\n")
    os.makedirs(layout.layers_dir)
    shutil.copy(TAR_SPLIT, layout.tar_split(BASE))
    return layout


def archive(layout: Layout) -> bytes:
    return b"".join(reassemble(layout, CATALOG, LAYER))


def test_layer_that_podman_unpacked_is_put_together_byte_for_byte(layout: Layout) -> None:
    assert hashlib.sha256(archive(layout)).hexdigest() == BASE
    assert archive(layout) == gzip.decompress((FIXTURES / "base.gz").read_bytes())


def test_file_that_is_not_in_the_tree_is_taken_from_the_layer_below(layout: Layout) -> None:
    shutil.move(f"{layout.diff(BASE)}/etc", f"{layout.diff('below')}/etc")
    assert hashlib.sha256(archive(layout)).hexdigest() == BASE


def test_file_behind_a_link_inside_the_layer_is_found(layout: Layout) -> None:
    os.rename(f"{layout.diff(BASE)}/etc", f"{layout.diff(BASE)}/other")
    os.symlink("/other", f"{layout.diff(BASE)}/etc")
    assert hashlib.sha256(archive(layout)).hexdigest() == BASE


@pytest.mark.parametrize("content", ["jello\n", "hello", "hello\n\n", ""])
def test_changed_file_is_named(layout: Layout, content: str) -> None:
    Path(layout.diff(BASE), "etc", "hello").write_text(content)
    with pytest.raises(ReassemblyFailed, match="etc/hello of the layer was changed") as caught:
        archive(layout)
    assert caught.value.subject == BASE
    assert caught.value.code == "layer_damaged"


def test_missing_file_is_named(layout: Layout) -> None:
    os.unlink(f"{layout.diff(BASE)}/etc/hello")
    with pytest.raises(ReassemblyFailed, match="etc/hello of the layer is missing"):
        archive(layout)


def test_link_out_of_the_layer_is_not_followed(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "hello").write_text("hello\n")
    os.unlink(f"{layout.diff(BASE)}/etc/hello")
    os.symlink(str(tmp_path / "hello"), f"{layout.diff(BASE)}/etc/hello")
    with pytest.raises(ReassemblyFailed, match="missing"):
        archive(layout)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        TAR_SPLIT.read_bytes()[:-9],
        gzip.compress(b"not JSON\n", mtime=0),
        gzip.compress(b'{"type":3,"payload":null,"position":0}\n', mtime=0),
    ],
    ids=["empty", "no gzip", "truncated", "no JSON", "unknown type"],
)
def test_damaged_tar_split_file_is_an_error(layout: Layout, data: bytes) -> None:
    Path(layout.tar_split(BASE)).write_bytes(data)
    with pytest.raises(ReassemblyFailed, match="tar-split"):
        archive(layout)


def test_missing_tar_split_file_is_named(layout: Layout) -> None:
    os.unlink(layout.tar_split(BASE))
    with pytest.raises(StrataError) as caught:
        archive(layout)
    assert caught.value.subject == layout.tar_split(BASE)


def test_nothing_stays_open_when_the_reader_stops_early(layout: Layout) -> None:
    before = set(os.listdir("/proc/self/fd"))
    chunks = reassemble(layout, CATALOG, LAYER)
    for _chunk in zip(chunks, range(2)):
        pass
    chunks.close()  # type: ignore[attr-defined]
    assert set(os.listdir("/proc/self/fd")) == before
