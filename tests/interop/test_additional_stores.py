# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Additional image stores: podman and we use what lies there, name the same images, and nobody writes there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lab.commands import CommandFailed, run
from lab.configured_store import ConfiguredStore
from lab.fixtures import push
from lab.modules import ModuleResult, run_module
from lab.odd_images import PLAIN, Entry, ImageLayout, make_tar
from lab.registry import Registry
from lab.stores import Store, mounts_below
from lab.trees import snapshot


class Shelf:
    """A store of ours beside an additional one that has one image, and a registry with images that share its layers."""

    def __init__(self, store: ConfiguredStore, shelf: Store, registry: Registry, pull_options: dict[str, Any]) -> None:
        self.store = store
        self.shelf = shelf
        self.registry = registry
        self.pull_options = pull_options
        # On the shelf.
        self.base = registry.reference("shelf/base:1")
        # Its layers and one more; and one of its layers above another.
        self.app = registry.reference("shelf/app:1")
        self.moved = registry.reference("shelf/moved:1")
        self.written = snapshot(shelf.root)

    def module(self, module: str, check: bool = False, **arguments: Any) -> ModuleResult:
        more = self.pull_options if module == "image_pull" else {}
        return run_module(module, {**self.store.module_options(), **more, **arguments}, check=check)

    def done(self, module: str, **arguments: Any) -> ModuleResult:
        """The result of a module that had something to do, foreseen in check mode."""
        foreseen = self.module(module, check=True, **arguments)
        result = self.module(module, **arguments)
        assert not result.failed and result.changed, result.text
        assert foreseen.changed and foreseen["diff"] == result["diff"], foreseen.text
        return result

    def unchanged(self, module: str, **arguments: Any) -> ModuleResult:
        before = snapshot(self.store.root)
        for check in (False,) if module.endswith("_info") else (True, False):
            result = self.module(module, check=check, **arguments)
            assert not result.failed and not result.changed, result.text
        assert snapshot(self.store.root) == before
        return result

    def refused(self, module: str, **arguments: Any) -> None:
        before = snapshot(self.store.root)
        for check in (True, False):
            result = self.module(module, check=check, **arguments)
            assert result.failed and result.code == "read_only_store", result.text
            assert self.shelf.root in result["msg"]
        assert snapshot(self.store.root) == before

    def trees(self) -> list[str]:
        """The layers whose trees are in the store itself."""
        home = os.path.join(self.store.root, "overlay")
        return [name for name in os.listdir(home) if len(name) == 64] if os.path.isdir(home) else []

    def listed(self) -> set[tuple[str, bool]]:
        """The names of all images, each with whether podman can change it; we must say the same."""
        theirs = self.store.podman_json("images", "--format", "json")
        ours = self.unchanged("image_info")["images"]
        listed = {(name, image.get("ReadOnly", False)) for image in theirs for name in image["Names"]}
        assert {(name, image["read_only"]) for image in ours for name in image["names"]} == listed
        return listed


@pytest.fixture
def shelf(
    make_store: Callable[[str], Store], registry: Registry, pull_options: dict[str, Any], tmp_path: Path
) -> Iterator[Shelf]:
    layout = ImageLayout(str(tmp_path / "layout"))
    one, two, three = ((make_tar([Entry(name, content=name.encode() * 50)]), PLAIN) for name in ("one", "two", "three"))
    layout.add_image("base", [one, two])
    layout.add_image("app", [one, two, three])
    layout.add_image("moved", [three, one])
    for name in ("base", "app", "moved"):
        push(layout, name, registry.reference(f"shelf/{name}:1"))
    other = make_store("shelf")
    other.podman("pull", "--quiet", "--tls-verify=false", registry.reference("shelf/base:1"))
    store = ConfiguredStore(make_store("store").base, options=[f'additionalimagestores = ["{other.root}"]'])
    store.configure()
    shelf = Shelf(store, other, registry, pull_options)
    yield shelf
    # Neither by us nor by podman.
    assert snapshot(other.root) == shelf.written


def test_images_are_listed_as_podman_lists_them(shelf: Shelf) -> None:
    theirs = shelf.store.podman_json("images", "--format", "json")
    ours = shelf.unchanged("image_info")["images"]
    assert [(image["id"], image["names"], image["read_only"]) for image in ours] == [
        (image["Id"], image["Names"], image["ReadOnly"]) for image in theirs
    ]
    assert len(ours) == 1 and ours[0]["read_only"] is True
    (inspected,) = shelf.store.podman_json("image", "inspect", shelf.base)
    assert inspected["GraphDriver"]["Data"]["UpperDir"] == ours[0]["layers"][-1]["path"]
    for name in (shelf.base, ours[0]["id"][:10], ours[0]["digest"]):
        found = shelf.unchanged("image_info", name=[name], gather=["config", "manifest"])["images"]
        assert [image["id"] for image in found] == [ours[0]["id"]] and found[0]["manifest"] and found[0]["config"]


def test_an_image_that_is_there_is_present(shelf: Shelf) -> None:
    before = len(shelf.registry.requests())
    for policy in ("missing", "never"):
        assert shelf.unchanged("image_pull", name=shelf.base, pull=policy)["image"]["read_only"] is True
    assert len(shelf.registry.requests()) == before
    assert shelf.unchanged("image_pull", name=shelf.base)["bytes_downloaded"] == 0
    assert shelf.trees() == []


def test_layers_that_are_there_are_built_on_and_podman_reads_the_image(shelf: Shelf) -> None:
    pulled = shelf.done("image_pull", name=shelf.app)["image"]
    assert [layer["action"] for layer in pulled["layers"]] == ["keep", "keep", "fetch"]
    assert shelf.trees() == [pulled["layers"][-1]["id"]]
    shelf.unchanged("image_pull", name=shelf.app)
    point = shelf.store.podman("image", "mount", shelf.app)
    assert sorted(os.listdir(point)) == ["one", "three", "two"]
    shelf.store.podman("image", "umount", shelf.app)
    mounted = shelf.done("image_mount", name=shelf.app)
    assert mounted["mount_point"] == point and sorted(os.listdir(point)) == ["one", "three", "two"]
    shelf.done("image_mount", name=shelf.app, state="unmounted")
    shelf.store.podman("save", "--quiet", "--output", os.path.join(shelf.store.base, "saved.tar"), shelf.app)
    removed = shelf.done("image_remove", name=[shelf.app])
    assert removed["deleted"] == [pulled["id"]] and shelf.trees() == []
    assert mounts_below(shelf.store.base) == []


def test_what_podman_builds_on_the_shelf_we_read(shelf: Shelf) -> None:
    shelf.store.podman("pull", "--quiet", "--tls-verify=false", shelf.app)
    assert shelf.listed() == {(shelf.app, False), (shelf.base, True)}
    shelf.unchanged("image_pull", name=shelf.app)
    shelf.done("image_mount", name=shelf.app)
    shelf.done("image_mount", name=shelf.app, state="unmounted")
    assert len(shelf.unchanged("layer_info")["layers"]) == 1
    shelf.unchanged("store_info")


def test_a_name_of_the_store_itself_goes_before(shelf: Shelf) -> None:
    shelf.done("image_pull", name=shelf.app)
    shelf.done("image_tag", name=shelf.app, target_names=[shelf.base])
    (found,) = shelf.unchanged("image_info", name=[shelf.base])["images"]
    assert found["read_only"] is False
    assert shelf.store.podman("image", "inspect", "--format", "{{.Id}}", shelf.base) == found["id"]
    shelf.done("image_remove", name=[shelf.base])
    (left,) = shelf.unchanged("image_info", name=[shelf.base])["images"]
    assert left["read_only"] is True


def test_an_image_under_another_name_gets_a_record_of_its_own(shelf: Shelf) -> None:
    other = shelf.registry.reference("shelf/again:1")
    options = ["--src-tls-verify=false", "--dest-tls-verify=false"]
    run(["skopeo", "--insecure-policy", "copy", *options, f"docker://{shelf.base}", f"docker://{other}"])
    pulled = shelf.done("image_pull", name=other)["image"]
    assert pulled["read_only"] is False and pulled["names"] == [other] and shelf.trees() == []
    assert shelf.listed() == {(other, False), (shelf.base, True)}
    assert shelf.unchanged("image_info", name=[pulled["id"]])["images"][0]["names"] == [other]
    shelf.store.podman("create", "--name", "box", other, "true")
    shelf.store.podman("rm", "box")
    shelf.done("image_remove", name=[other])
    assert shelf.listed() == {(shelf.base, True)}


def test_content_that_is_there_is_copied_and_not_fetched(shelf: Shelf) -> None:
    pulled = shelf.done("image_pull", name=shelf.moved)["image"]
    assert [layer["action"] for layer in pulled["layers"]] == ["fetch", "reuse"]
    point = shelf.store.podman("image", "mount", shelf.moved)
    assert sorted(os.listdir(point)) == ["one", "three"]
    assert Path(point, "one").read_bytes() == b"one" * 50
    shelf.store.podman("image", "umount", shelf.moved)
    shelf.store.podman("save", "--quiet", "--output", os.path.join(shelf.store.base, "saved.tar"), shelf.moved)


@pytest.mark.parametrize("maker", ["podman", "us"])
def test_containers_of_it_are_mounted_and_written_by_both(shelf: Shelf, maker: str) -> None:
    if maker == "us":
        shelf.done("container_create", image=shelf.base, name="box")
    else:
        shelf.store.podman("create", "--name", "box", shelf.base, "true")
    mounted = shelf.done("container_mount", name="box")["mount_point"]
    assert sorted(os.listdir(mounted)) == ["one", "two"]
    os.unlink(os.path.join(mounted, "one"))
    Path(mounted, "two").write_text("changed", encoding="utf-8")
    assert shelf.store.podman("mount", "box") == mounted
    shelf.done("container_mount", name="box", state="unmounted")
    assert Path(mounted, "two").read_text(encoding="utf-8") == "changed"
    shelf.store.podman("umount", "box")
    assert shelf.store.podman("mount", "box") == mounted and os.listdir(mounted) == ["two"]
    shelf.store.podman("umount", "box")
    assert len(shelf.trees()) == 1
    shelf.done("container_create", name="box", state="absent")
    assert shelf.trees() == [] and mounts_below(shelf.store.base) == []


def test_nothing_changes_it(shelf: Shelf) -> None:
    with pytest.raises(CommandFailed):
        shelf.store.podman("rmi", shelf.base)
    shelf.refused("image_remove", name=[shelf.base])
    shelf.refused("image_remove", name=[shelf.base], force=True)
    shelf.refused("image_tag", name=shelf.base, target_names=["mine"])
    shelf.refused("image_pull", name=shelf.base, pull="missing", names=["mine"])
    # podman 4.3 knows no mount of such an image either.
    with pytest.raises(CommandFailed, match="layer not known"):
        shelf.store.podman("image", "mount", shelf.base)
    shelf.refused("image_mount", name=shelf.base)
    assert shelf.unchanged("image_mount", name=shelf.base, state="unmounted")["mount_count"] == 0
    assert shelf.unchanged("image_prune", all=True)["deleted"] == []


def test_options_name_such_stores_too(shelf: Shelf) -> None:
    option = f"overlay.imagestore={shelf.shelf.root}"
    other = Store(shelf.store.base)
    assert shelf.base in other.podman("--storage-opt", option, "images", "--format", "{{.Repository}}:{{.Tag}}")
    for options in ([option], [option, option, f"overlay.imagestore={other.root}"]):
        result = run_module("image_info", {**other.module_options(), "driver_options": options})
        assert [image["names"] for image in result["images"]] == [[shelf.base]]
    result = run_module("image_info", other.module_options())
    assert result["images"] == []


def test_a_store_that_is_not_there_is_empty(shelf: Shelf) -> None:
    conf = ConfiguredStore(shelf.store.base, options=[f'additionalimagestores = ["{shelf.store.base}/none"]'])
    conf.configure()
    assert shelf.unchanged("image_info")["images"] == []
    assert not os.path.exists(os.path.join(shelf.store.base, "none"))
