# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._storage import overlay_links
from ansible_collections.strata.containers.plugins.module_utils._storage.json_record import StoreDamaged
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.overlay_links import (
    TooManyLayers,
    lowers_on,
    new_link,
    read_lowers,
    remove_link,
    restore_links,
    write_lowers,
)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(str(tmp_path / "root"), str(tmp_path / "run"))
    os.makedirs(layout.driver_links)
    return layout


def make_layer(layout: Layout, layer_id: str, name: str) -> None:
    """A layer as upstream leaves it."""
    os.makedirs(layout.diff(layer_id))
    os.symlink(f"../{layer_id}/diff", layout.link(name))
    Path(layout.link_file(layer_id)).write_text(name, encoding="ascii")


class TestNewLinks:
    def test_a_link_has_the_form_of_upstream(self, layout: Layout) -> None:
        os.makedirs(layout.diff("a" * 64))
        new_link(layout, "a" * 64)
        (name,) = os.listdir(layout.driver_links)
        assert re.fullmatch("[A-Z2-7]{26}", name)
        assert os.readlink(layout.link(name)) == f"../{'a' * 64}/diff"
        assert Path(layout.link_file("a" * 64)).read_bytes() == name.encode("ascii")
        assert os.stat(layout.link_file("a" * 64)).st_mode & 0o7777 == 0o644
        assert os.path.samefile(layout.link(name), layout.diff("a" * 64))

    def test_the_name_is_written_before_the_link_is_made(self, layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
        """Who is killed in between leaves no link that nobody can find: podman looks for it by the file."""
        os.makedirs(layout.diff("a" * 64))
        named = []

        def symlink(_target: str, path: str) -> None:
            named.append(Path(layout.link_file("a" * 64)).read_text(encoding="ascii") == os.path.basename(path))

        monkeypatch.setattr(overlay_links.os, "symlink", symlink)
        new_link(layout, "a" * 64)
        assert named == [True]

    def test_a_name_that_is_taken_is_not_used(self, layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
        make_layer(layout, "old", "A" * 26)
        os.makedirs(layout.diff("new"))
        random = iter([b"\0" * 17, b"\xff" * 17])
        monkeypatch.setattr(overlay_links.os, "urandom", lambda count: next(random) if count == 17 else b"\0" * count)
        new_link(layout, "new")
        assert os.readlink(layout.link("A" * 26)) == "../old/diff"
        assert Path(layout.link_file("new")).read_text(encoding="ascii") == "7" * 26


class TestLowers:
    def test_the_nearest_layer_comes_first(self, layout: Layout) -> None:
        make_layer(layout, "base", "BASE")
        make_layer(layout, "middle", "MIDDLE")
        write_lowers(layout, "middle", lowers_on(layout, "base"))
        assert lowers_on(layout, "middle") == ("l/MIDDLE", "l/BASE")

    def test_the_file_is_that_of_upstream(self, layout: Layout) -> None:
        make_layer(layout, "top", "TOP")
        write_lowers(layout, "top", ("l/MIDDLE", "l/BASE"))
        assert Path(layout.lower_file("top")).read_bytes() == b"l/MIDDLE:l/BASE"
        assert os.stat(layout.lower_file("top")).st_mode & 0o7777 == 0o644

    @pytest.mark.parametrize(
        ("content", "expected"), [(None, ()), (b"", ()), (b"l/A", ("l/A",)), (b"l/A:l/B\n", ("l/A", "l/B"))]
    )
    def test_lowers_are_read(self, content: bytes | None, expected: tuple[str, ...], layout: Layout) -> None:
        make_layer(layout, "top", "TOP")
        if content is not None:
            Path(layout.lower_file("top")).write_bytes(content)
        assert read_lowers(layout, "top") == expected

    def test_as_many_layers_as_the_kernel_stacks_are_allowed(self, layout: Layout) -> None:
        make_layer(layout, "deep", "DEEP")
        write_lowers(layout, "deep", tuple(f"l/{number}" for number in range(499)))
        assert len(lowers_on(layout, "deep")) == 500

    def test_one_more_is_an_error(self, layout: Layout) -> None:
        make_layer(layout, "deep", "DEEP")
        write_lowers(layout, "deep", tuple(f"l/{number}" for number in range(500)))
        with pytest.raises(TooManyLayers) as raised:
            lowers_on(layout, "deep")
        assert raised.value.found == "501"

    def test_a_parent_without_a_tree_is_damage(self, layout: Layout) -> None:
        with pytest.raises(StoreDamaged) as raised:
            lowers_on(layout, "absent")
        assert raised.value.subject == "absent"


class TestLostLinks:
    def test_a_lost_link_is_made_again(self, layout: Layout) -> None:
        make_layer(layout, "one", "ONE")
        os.unlink(layout.link("ONE"))
        restore_links(layout)
        assert os.readlink(layout.link("ONE")) == "../one/diff"

    def test_a_link_that_leads_elsewhere_is_corrected(self, layout: Layout) -> None:
        make_layer(layout, "one", "ONE")
        os.unlink(layout.link("ONE"))
        os.symlink("/etc", layout.link("ONE"))
        restore_links(layout)
        assert os.readlink(layout.link("ONE")) == "../one/diff"

    @pytest.mark.parametrize("content", [None, b""])
    def test_a_lost_link_file_is_made_again(self, content: bytes | None, layout: Layout) -> None:
        make_layer(layout, "one", "ONE")
        os.unlink(layout.link_file("one"))
        if content is not None:
            Path(layout.link_file("one")).write_bytes(content)
        assert lowers_on(layout, "one") == ("l/ONE",)
        assert Path(layout.link_file("one")).read_bytes() == b"ONE"

    @pytest.mark.parametrize("content", [b"../../etc", b"..", b"a\0b"])
    def test_a_damaged_link_file_leads_nowhere_else(self, content: bytes, layout: Layout) -> None:
        make_layer(layout, "one", "ONE")
        Path(layout.link_file("one")).write_bytes(content)
        restore_links(layout)
        assert Path(layout.link_file("one")).read_bytes() == b"ONE"
        assert os.listdir(layout.driver_links) == ["ONE"]

    def test_what_is_right_is_not_touched(self, layout: Layout) -> None:
        make_layer(layout, "one", "ONE")
        before = [os.lstat(path).st_ctime_ns for path in (layout.link("ONE"), layout.link_file("one"))]
        restore_links(layout)
        assert [os.lstat(path).st_ctime_ns for path in (layout.link("ONE"), layout.link_file("one"))] == before


class TestRemoval:
    def test_the_link_goes(self, layout: Layout) -> None:
        make_layer(layout, "one", "ONE")
        make_layer(layout, "two", "TWO")
        remove_link(layout, "one")
        assert os.listdir(layout.driver_links) == ["TWO"]

    def test_a_link_whose_file_is_lost_is_found(self, layout: Layout) -> None:
        make_layer(layout, "one", "ONE")
        make_layer(layout, "two", "TWO")
        os.unlink(layout.link_file("one"))
        remove_link(layout, "one")
        assert os.listdir(layout.driver_links) == ["TWO"]

    def test_nothing_is_to_do_twice(self, layout: Layout) -> None:
        make_layer(layout, "one", "ONE")
        remove_link(layout, "one")
        remove_link(layout, "one")

    def test_nothing_is_to_do_in_a_store_that_does_not_exist(self, tmp_path: Path) -> None:
        remove_link(Layout(str(tmp_path / "absent"), str(tmp_path)), "one")
