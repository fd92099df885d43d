# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The overlay driver on real file systems, beside the drivers of podman and containers-storage."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import StrataError
from ansible_collections.strata.containers.plugins.module_utils._host.confine import (
    CAP_SYS_ADMIN,
    capability_sets,
    set_capabilities,
)
from ansible_collections.strata.containers.plugins.module_utils._host.mounts import MountFailed, mount, unmount
from ansible_collections.strata.containers.plugins.module_utils._host.private_thread import with_own_mounts
from ansible_collections.strata.containers.plugins.module_utils._storage import mounting
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import read_catalog
from ansible_collections.strata.containers.plugins.module_utils._storage.driver import MountRequest
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.mounted import mounted
from ansible_collections.strata.containers.plugins.module_utils._storage.overlay import OverlayDriver
from ansible_collections.strata.containers.plugins.module_utils._storage.overlay_links import TooManyLayers
from ansible_collections.strata.containers.plugins.module_utils._storage.overlay_support import OverlayUnsupported
from ansible_collections.strata.containers.plugins.module_utils._storage.prepare import prepare_store
from lab.stores import Store, mounts_below

BASE, MIDDLE, TOP = "a" * 64, "b" * 64, "c" * 64


@pytest.fixture
def layout(judges: None, tmp_path: Path) -> Iterator[Layout]:
    layout = Layout(str(tmp_path / "root"), str(tmp_path / "run"))
    prepare_store(layout)
    yield layout
    for point in mounts_below(str(tmp_path)):
        unmount(point, detach=True)


@pytest.fixture
def driver(layout: Layout) -> OverlayDriver:
    return OverlayDriver(layout)


def staged(layout: Layout, **files: str) -> str:
    """A tree that is ready to become a layer."""
    tree = f"{layout.tempdirs}/staged"
    os.makedirs(tree)
    for name, content in files.items():
        Path(tree, name).write_text(content, encoding="utf-8")
    return tree


def shape(directory: str) -> dict[str, tuple[str, int, int, int]]:
    """Type, mode and owner of a layer's directory and of what is in it."""
    found = {}
    for name in [".", *sorted(os.listdir(directory))]:
        status = os.lstat(os.path.join(directory, name))
        found[name] = (stat.filemode(status.st_mode)[0], stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
    return found


class TestLayerDirectories:
    def test_they_look_as_podmans(self, make_store: Callable[[str], Store], layout: Layout, tmp_path: Path) -> None:
        store = make_store("podman")
        archive = tmp_path / "layer.tar"
        with tarfile.open(archive, "w"):
            pass
        store.podman("import", "--quiet", str(archive), "probe:1")
        store.podman("create", "--name", "probe", "probe:1", "true")
        theirs = Layout(store.root, store.run_root)
        catalog = read_catalog(theirs)
        driver = OverlayDriver(layout)
        driver.adopt_layer(BASE, None, staged(layout), False)
        driver.create_writable(TOP, BASE)
        image = catalog.image_named("localhost/probe:1")
        assert image is not None
        assert shape(layout.driver_layer(BASE)) == shape(theirs.driver_layer(image.layer))
        assert shape(layout.driver_layer(TOP)) == shape(theirs.driver_layer(catalog.container("probe").layer))
        lower = Path(layout.lower_file(TOP)).read_text(encoding="ascii")
        assert lower == "l/" + Path(layout.link_file(BASE)).read_text(encoding="ascii")

    def test_the_mode_and_owner_of_a_root_come_from_the_parent(self, layout: Layout, driver: OverlayDriver) -> None:
        base = staged(layout)
        os.chown(base, 7, 8)
        os.chmod(base, 0o1775)
        driver.adopt_layer(BASE, None, base, True)
        assert shape(layout.driver_layer(BASE))["diff"] == ("d", 0o1775, 7, 8)
        driver.adopt_layer(MIDDLE, BASE, staged(layout), False)
        assert shape(layout.driver_layer(MIDDLE))["diff"] == ("d", 0o775, 7, 8)
        driver.create_writable(TOP, MIDDLE)
        found = shape(layout.driver_layer(TOP))
        assert found["diff"] == ("d", 0o775, 7, 8)
        assert found["work"] == ("d", 0o700, 7, 8)
        assert found["."] == ("d", 0o700, 0, 0)

    def test_what_a_killed_run_left_is_replaced(self, layout: Layout, driver: OverlayDriver) -> None:
        driver.create_writable(BASE, None)
        Path(layout.diff(BASE), "old").write_bytes(b"")
        driver.adopt_layer(BASE, None, staged(layout, new="new"), False)
        assert os.listdir(layout.diff(BASE)) == ["new"]
        assert len(os.listdir(layout.driver_links)) == 1

    def test_removing_leaves_nothing(self, layout: Layout, driver: OverlayDriver) -> None:
        driver.adopt_layer(BASE, None, staged(layout, file="x"), False)
        driver.create_writable(TOP, BASE)
        driver.mount(TOP, MountRequest())
        driver.remove(TOP)
        driver.remove(BASE)
        driver.remove(BASE)
        assert os.listdir(layout.driver_links) == []
        assert not os.path.exists(layout.driver_layer(TOP))
        assert not os.path.exists(layout.driver_layer(BASE))
        assert mounts_below(layout.graph_root) == []


class TestDepth:
    def test_more_layers_than_fit_into_a_page_are_shared_with_containers_storage(
        self, make_store: Callable[[str], Store]
    ) -> None:
        store = make_store("store")
        layout = Layout(store.root, store.run_root)
        layer = ""
        for number in range(60):
            layer = store.containers_storage("create-layer", *([layer] if layer else [])).split()[0]
            Path(layout.diff(layer), f"file{number}").write_bytes(b"")
        image = store.containers_storage("create-image", layer).split()[0]
        container = store.containers_storage("create-container", image).split()[0]
        top = read_catalog(layout).container(container).layer
        driver = OverlayDriver(layout)
        assert len(driver.mount_data(top, MountRequest())[0]) > 4096
        for read_only in (False, True):
            state, _changed = mounting.mount(layout, driver, container, top, MountRequest(read_only))
            assert state.mount_point is not None
            assert len(os.listdir(state.mount_point)) == 60
            assert store.containers_storage("mount", container) == state.mount_point
            store.containers_storage("unmount", container)
            mounting.unmount(layout, driver, container, top, force=False)
        assert mounts_below(store.base) == []

    def test_as_many_layers_as_the_kernel_stacks_can_be_mounted(self, layout: Layout, driver: OverlayDriver) -> None:
        parent = None
        for number in range(501):
            layer = f"{number:064x}"
            driver.create_writable(layer, parent)
            Path(layout.diff(layer), f"file{number}").write_bytes(b"")
            parent = layer
        path = driver.mount(f"{500:064x}", MountRequest())
        assert len(os.listdir(path)) == 501
        driver.unmount(f"{500:064x}")
        # A layer that can be written lies on the others, one that cannot is among them.
        driver.mount(f"{499:064x}", MountRequest(read_only=True))
        driver.unmount(f"{499:064x}")
        with pytest.raises(TooManyLayers, match="at most 500"):
            driver.mount(f"{500:064x}", MountRequest(read_only=True))
        with pytest.raises(TooManyLayers):
            driver.create_writable("f" * 64, parent)
        assert not os.path.exists(layout.driver_layer("f" * 64))

    def test_odd_characters_in_the_path_of_the_store_do_no_harm(self, judges: None, tmp_path: Path) -> None:
        layout = Layout(str(tmp_path / "a:b,c d\\e"), str(tmp_path / "run"))
        prepare_store(layout)
        driver = OverlayDriver(layout)
        driver.adopt_layer(BASE, None, staged(layout, file="x"), False)
        driver.create_writable(TOP, BASE)
        path = driver.mount(TOP, MountRequest())
        try:
            assert mounted(layout, TOP, 0) is not None
            assert os.listdir(path) == ["file"]
        finally:
            driver.unmount(TOP)

    def test_an_option_that_the_kernel_does_not_know_is_an_error(self, layout: Layout, driver: OverlayDriver) -> None:
        driver.create_writable(TOP, None)
        with pytest.raises(MountFailed) as raised:
            driver.mount(TOP, MountRequest(options=("no_such_option",)))
        assert raised.value.subject == layout.merged(TOP)


class TestSupport:
    def test_it_is_found_without_a_trace(self, layout: Layout, driver: OverlayDriver) -> None:
        driver.check_support()
        assert os.listdir(layout.driver_home) == ["l"]
        assert mounts_below(layout.graph_root) == []

    def test_a_memory_file_system_will_do(self, layout: Layout, driver: OverlayDriver) -> None:
        def on_tmpfs() -> None:
            mount("tmpfs", layout.graph_root, "tmpfs")
            driver.check_support()
            assert driver.status()["Backing Filesystem"] == "tmpfs"

        with_own_mounts(on_tmpfs)

    def test_an_overlay_will_not(self, layout: Layout, driver: OverlayDriver, tmp_path: Path) -> None:
        for name in ("lower", "upper", "work"):
            (tmp_path / name).mkdir()
        mount(
            "overlay",
            layout.graph_root,
            "overlay",
            0,
            f"lowerdir={tmp_path}/lower,upperdir={tmp_path}/upper,workdir={tmp_path}/work",
        )
        with pytest.raises(OverlayUnsupported) as raised:
            driver.check_support()
        assert raised.value.code == "overlay_unsupported"
        assert raised.value.found == "overlayfs"
        assert not os.path.exists(layout.tempdirs)

    @pytest.mark.parametrize(
        ("give_up", "code"),
        [
            (lambda: set_capabilities(capability_sets(_capabilities() - {CAP_SYS_ADMIN})), "permission_denied"),
            (lambda: os.setuid(65534), "not_root"),
        ],
    )
    def test_missing_rights_are_told_apart(
        self, give_up: Callable[[], None], code: str, layout: Layout, driver: OverlayDriver
    ) -> None:
        _let_others_in(layout.driver_home)
        assert _code_in_child(give_up, driver.check_support) == code

    @pytest.mark.parametrize("options", ["", "nodev", "metacopy=on", "redirect_dir=on", "redirect_dir=off"])
    def test_the_status_is_that_of_podman_info(self, options: str, make_store: Callable[[str], Store]) -> None:
        store = make_store("store")
        choice = [f"--storage-opt=overlay.mountopt={options}"] if options else []
        theirs = store.podman_json(*choice, "info", "--format", "{{json .Store.GraphStatus}}")
        layout = Layout(store.root, store.run_root)
        ours = OverlayDriver(layout, (f"overlay.mountopt={options}",)).status()
        assert ours == {key: theirs[key] for key in ours}


def _code_in_child(give_up: Callable[[], None], action: Callable[[], None]) -> str:
    """The code word of the error of ``action`` in a process that has given up rights before."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = "no error"
        try:
            give_up()
            action()
        except StrataError as error:
            code = error.code
        except BaseException as error:
            code = repr(error)
        finally:
            os.write(writing, code.encode("ascii"))
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="ascii") as stream:
        code = stream.read()
    os.waitpid(child, 0)
    return code


def _capabilities() -> frozenset[int]:
    """Those that this process has."""
    with open("/proc/self/status", encoding="ascii") as lines:
        (mask,) = [int(line.split()[1], 16) for line in lines if line.startswith("CapPrm:")]
    return frozenset(number for number in range(64) if mask >> number & 1)


def _let_others_in(path: str) -> None:
    """Makes ``path`` and the directories above it readable, so that what is missing are the rights of root."""
    directory = path
    while directory != "/":
        os.chmod(directory, stat.S_IMODE(os.stat(directory).st_mode) | 0o055)
        directory = os.path.dirname(directory)
