# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._host.mounts import MS_NODEV, MS_RDONLY
from ansible_collections.strata.containers.plugins.module_utils._storage import overlay_support
from ansible_collections.strata.containers.plugins.module_utils._storage.driver import MountRequest
from ansible_collections.strata.containers.plugins.module_utils._storage.json_record import StoreDamaged
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.overlay import OverlayDriver


def make_layer(layout: Layout, layer_id: str, name: str, *lowers: str) -> None:
    """A layer as upstream leaves it."""
    os.makedirs(layout.diff(layer_id))
    os.makedirs(layout.driver_links, exist_ok=True)
    os.symlink(f"../{layer_id}/diff", layout.link(name))
    Path(layout.link_file(layer_id)).write_text(name, encoding="ascii")
    if lowers:
        Path(layout.lower_file(layer_id)).write_text(":".join(lowers), encoding="ascii")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(str(tmp_path / "root"), str(tmp_path / "run"))
    make_layer(layout, "base", "BASE")
    make_layer(layout, "middle", "MIDDLE", "l/BASE")
    make_layer(layout, "top", "TOP", "l/MIDDLE", "l/BASE")
    return layout


@pytest.fixture
def driver(layout: Layout) -> OverlayDriver:
    return OverlayDriver(layout)


class TestLowerChain:
    def test_the_links_are_not_resolved(self, layout: Layout, driver: OverlayDriver) -> None:
        home = layout.driver_home
        assert driver.lower_chain("top") == (f"{home}/l/MIDDLE", f"{home}/l/BASE")

    def test_a_base_layer_lies_on_an_empty_directory(self, layout: Layout, driver: OverlayDriver) -> None:
        assert driver.lower_chain("base") == (layout.empty("base"),)

    def test_older_generations_lie_below_their_own(self, layout: Layout, driver: OverlayDriver) -> None:
        # Where storage-format.md 6.2 puts them, observed with containers-storage of 2026.
        for path in (layout.diff("top") + "1", layout.diff("top") + "2", layout.diff("middle") + "1"):
            os.makedirs(path)
        home = layout.driver_home
        assert driver.lower_chain("top") == (
            f"{home}/top/diff1",
            f"{home}/top/diff2",
            f"{home}/l/MIDDLE",
            f"{home}/l/MIDDLE/../diff1",
            f"{home}/l/BASE",
        )

    def test_a_lost_link_is_made_again(self, layout: Layout, driver: OverlayDriver) -> None:
        os.unlink(layout.link("BASE"))
        assert len(driver.lower_chain("top")) == 2
        assert os.readlink(layout.link("BASE")) == "../base/diff"

    def test_a_missing_tree_is_damage(self, layout: Layout, driver: OverlayDriver) -> None:
        os.rmdir(layout.diff("base"))
        with pytest.raises(StoreDamaged) as raised:
            driver.lower_chain("top")
        assert raised.value.subject == "top"
        assert raised.value.wanted == f"{layout.driver_home}/l/BASE"

    def test_a_lower_layer_may_be_in_an_additional_store(self, layout: Layout, tmp_path: Path) -> None:
        other = Layout(str(tmp_path / "other"), str(tmp_path / "run"))
        make_layer(other, "shared", "SHARED")
        make_layer(layout, "upper", "UPPER", "l/SHARED")
        driver = OverlayDriver(layout, (f"overlay.imagestore=/nowhere,{other.graph_root}",))
        assert driver.lower_chain("upper") == (f"{other.driver_home}/l/SHARED",)


class TestMountData:
    def test_a_writable_mount(self, layout: Layout, driver: OverlayDriver) -> None:
        home = layout.driver_home
        data = f"lowerdir={home}/l/BASE,upperdir={home}/middle/diff,workdir={home}/middle/work"
        assert driver.mount_data("middle", MountRequest()) == (data, 0)

    def test_a_read_only_mount(self, layout: Layout, driver: OverlayDriver) -> None:
        home = layout.driver_home
        data = f"lowerdir={home}/middle/diff:{home}/l/BASE"
        assert driver.mount_data("middle", MountRequest(read_only=True)) == (data, MS_RDONLY)

    def test_the_stores_options_hold_where_the_container_has_none(self, layout: Layout) -> None:
        driver = OverlayDriver(layout, ("overlay.mountopt=nodev",))
        assert driver.mount_data("middle", MountRequest())[1] == MS_NODEV
        assert driver.mount_data("middle", MountRequest(options=("suid",)))[1] == 0

    def test_the_containers_options_may_make_it_read_only(self, layout: Layout, driver: OverlayDriver) -> None:
        data, flags = driver.mount_data("middle", MountRequest(options=("ro",)))
        assert "upperdir" not in data
        assert flags == MS_RDONLY
        assert driver.read_only(MountRequest(options=("ro",)))
        assert not driver.read_only(MountRequest())


class TestStatus:
    @pytest.mark.parametrize(
        ("redirect_dir", "metacopy", "options", "native", "metacopied"),
        [
            ("N", "N", "", "true", "false"),
            ("Y", "N", "", "false", "false"),
            ("N", "Y", "", "false", "true"),
            ("N", "N", "metacopy=on", "false", "true"),
            ("N", None, "metacopy=on", "true", "false"),
            ("N", "Y", "metacopy=off", "true", "false"),
            ("Y", "N", "redirect_dir=off", "true", "false"),
            ("N", "N", "redirect_dir=on", "false", "false"),
            (None, None, "nodev", "true", "false"),
        ],
    )
    def test_options_and_kernel_decide(
        self,
        redirect_dir: str | None,
        metacopy: str | None,
        options: str,
        native: str,
        metacopied: str,
        layout: Layout,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        parameters = {"redirect_dir": redirect_dir, "metacopy": metacopy}
        monkeypatch.setattr(overlay_support, "module_parameter", lambda _module, name: parameters[name])
        status = OverlayDriver(layout, (f"overlay.mountopt={options}",)).status()
        assert (status["Native Overlay Diff"], status["Using metacopy"]) == (native, metacopied)

    def test_a_store_that_does_not_exist_is_not_made(self, tmp_path: Path) -> None:
        status = OverlayDriver(Layout(str(tmp_path / "absent"), str(tmp_path / "run"))).status()
        assert status["Supports d_type"] == "true"
        assert os.listdir(tmp_path) == []
