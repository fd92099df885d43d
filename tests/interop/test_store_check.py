# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""store_check on stores that podman, buildah, skopeo and this collection filled, whole and damaged by hand; podman judges."""

from __future__ import annotations

import json
import os
import shlex
import stat
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab.check_bench import (
    APP,
    BUILT,
    OTHER,
    app,
    check_here,
    files,
    make_orphan,
    model,
    repair,
    run_check,
    store,
    tools_accept,
    wrong,
)
from lab.commands import run
from lab.damage import (
    ORPHAN,
    change_layer,
    cut,
    flip,
    image_of,
    item_path,
    layer_of,
    lose_link,
    lose_link_file,
    lose_record,
    lose_tree,
    records,
    records_path,
    rewrite,
    tree,
)
from lab.modules import run_module
from lab.odd_images import PLAIN, Entry, ImageLayout, make_tar, odd_layers, xattr
from lab.stores import Store, mounts_below
from lab.trees import snapshot

__all__ = ["model", "store"]

ODD = "example.com/odd:1"
Damage = Callable[[Store], object]


class TestNothingIsWrong:
    def test_with_what_podman_buildah_and_skopeo_made(self, store: Store, tmp_path: Path) -> None:
        layout = ImageLayout(str(tmp_path / "odd"))
        layout.add_image("odd", odd_layers())
        run(["skopeo", "--insecure-policy", "copy", f"oci:{layout.directory}:odd", store.bracket + ODD])
        for name in ("still", "mounted"):
            store.podman("create", "--name", name, APP, "true")
        store.podman("mount", "mounted")
        store.podman("image", "mount", BUILT)
        before = files(store)
        found = run_check(store, deep=True)
        assert found["problems"] == []
        assert files(store) == before
        assert not run_check(store, deep=True, repair=True, remove_containers=True).changed
        assert files(store) == before

    def test_with_access_lists_and_links_by_another_way(
        self, make_store: Callable[[str], Store], tmp_path: Path
    ) -> None:
        """An access list changes the mode that the header states, and a link settles it for all names of the file."""
        store, layout = make_store("listed"), ImageLayout(str(tmp_path / "listed"))
        # Revision 2; the owner reads and writes, the group reads, others nothing, the mask is all (linux/posix_acl_xattr.h).
        text = "0200000001000600ffffffff04000400ffffffff10000700ffffffff20000000ffffffff"
        access_list = xattr("system.posix_acl_access", bytes.fromhex(text))
        entries = [
            Entry("listed", content=b"1", mode=0o640, pax=access_list),
            Entry("listed.d/", tarfile.DIRTYPE, mode=0o2750, pax=access_list),
            Entry("usr/lib/one", content=b"1", mode=0o600),
            Entry("lib", tarfile.SYMTYPE, target="usr/lib"),
            Entry("two", tarfile.LNKTYPE, target="lib/one", mode=0o4755, uid=8),
        ]
        layout.add_image("listed", [(make_tar(entries), PLAIN)])
        run(["skopeo", "--insecure-policy", "copy", f"oci:{layout.directory}:listed", store.bracket + ODD])
        tree_of_it = tree(store, layer_of(store, ODD)["id"], "diff")
        assert stat.S_IMODE(os.stat(f"{tree_of_it}/listed").st_mode) == 0o670
        assert run_check(store, deep=True)["problems"] == []
        os.chmod(f"{tree_of_it}/listed", 0o4670)
        assert [problem["message"] for problem in run_check(store, deep=True)["problems"]] == [
            "files are not as its archive says: listed has another mode"
        ]

    def test_with_a_distribution_that_podman_pulled(self, registry: Any, make_store: Callable[[str], Store]) -> None:
        store = make_store("pulled")
        store.podman("pull", "--quiet", "--tls-verify=false", registry.reference("base:1"))
        assert run_check(store, deep=True)["problems"] == []

    def test_with_what_this_collection_made(
        self, registry: Any, make_store: Callable[[str], Store], pull_options: dict[str, Any]
    ) -> None:
        store = make_store("ours")
        names = [registry.reference(name) for name in ("odd:1", "zstd:1")]
        pulled = run_module("image_pull", {**store.module_options(), **pull_options, "name": names})
        assert not pulled.failed, pulled.text
        for name in ("still", "mounted"):
            run_module("container_create", {**store.module_options(), "image": names[0], "name": name})
        run_module("container_mount", {**store.module_options(), "name": "mounted"})
        assert run_check(store, deep=True)["problems"] == []

    def test_while_others_work_on_the_store(self, store: Store, tmp_path: Path) -> None:
        layout = ImageLayout(str(tmp_path / "odd"))
        layout.add_image("odd", odd_layers())
        copy = shlex.join(
            ["skopeo", "--insecure-policy", "copy", "-q", f"oci:{layout.directory}:odd", store.bracket + ODD]
        )
        remove = shlex.join(store.podman_command("image", "rm", ODD))
        others = subprocess.Popen(
            ["sh", "-ec", f"for n in 1 2 3; do {copy}; {remove}; done"], stdout=subprocess.DEVNULL
        )
        looks = 0
        while others.poll() is None:
            assert wrong(check_here(store, deep=True)) == []
            looks += 1
        assert others.returncode == 0 and looks

    def test_with_a_container_on_an_image_of_an_additional_store(
        self, model: Store, make_store: Callable[[str], Store]
    ) -> None:
        store = make_store("above")
        option = f"overlay.imagestore={model.root}"
        store.podman("--storage-opt", option, "create", "--name", "box", APP, "true")
        assert run_check(store, deep=True, driver_options=[option])["problems"] == []
        assert not run_check(store)["healthy"]

    def test_in_a_store_that_does_not_exist(self, make_store: Callable[[str], Store]) -> None:
        store = make_store("missing")
        assert run_check(store, repair=True)["healthy"]
        assert not os.path.exists(store.root) and not os.path.exists(store.run_root)


def _other(store: Store) -> str:
    layer: str = layer_of(store, OTHER)["id"]
    return layer


def _shared_base(store: Store) -> str:
    layer: str = layer_of(store, APP)["parent"]
    return layer


class TestContainers:
    @pytest.mark.parametrize(
        ("damage", "kind"),
        [
            (lambda store: flip(tree(store, _other(store), "diff", "three")), "layer_content_changed"),
            (lambda store: lose_record(store, _other(store)), "layer_parent_missing"),
            (lambda store: os.unlink(item_path(store, image_of(store, OTHER), _id_key(store))), "image_data_missing"),
            (lambda store: lose_record(store, records(store, "containers")[0]["layer"]), "container_layer_missing"),
            (lambda store: lose_tree(store, records(store, "containers")[0]["layer"]), "layer_tree_missing"),
            (lambda store: rewrite(store, "images", lambda images: images.pop(1)), "container_image_missing"),
        ],
        ids=["a file", "a layer's record", "a config", "the container's record of a layer", "its tree", "its image"],
    )
    def test_stay_with_what_is_damaged_unless_the_task_says_otherwise(
        self, damage: Damage, kind: str, store: Store
    ) -> None:
        damage(store)
        refused = check_here(store, deep=True, repair=True)
        (found,) = (item for item in refused["problems"] if item["kind"] == kind)
        assert found["repair"] is None and "remove_containers" in found["message"] and not refused["healthy"]
        assert len(records(store, "containers")) == 1
        repair(store, remove_containers=True)
        assert records(store, "containers") == []
        whole = kind in ("layer_tree_missing", "container_layer_missing")
        if kind == "container_image_missing":
            # The layers of the image that has no record are nobody's now, and are kept.
            assert any(item["kind"] == "unused_layer" for item in check_here(store)["problems"])
        else:
            assert tools_accept(store, *((APP, OTHER, BUILT) if whole else (APP, BUILT)))

    def test_that_are_mounted_are_unmounted_when_they_may_go(self, store: Store) -> None:
        point = store.buildah("mount", "box")
        flip(tree(store, _shared_base(store), "diff", "one"))
        refused = check_here(store, deep=True, repair=True)
        assert not refused["healthy"] and not refused["changed"] and os.path.ismount(point)
        repair(store, remove_containers=True)
        assert mounts_below(store.base) == []
        assert tools_accept(store, BUILT)

    def test_an_image_that_is_mounted_stays(self, store: Store) -> None:
        point = store.podman("image", "mount", APP)
        flip(tree(store, app(store), "diff", "two"))
        refused = check_here(store, deep=True, repair=True)
        assert not refused["changed"] and "mounted" in refused["problems"][0]["message"] and os.path.ismount(point)
        store.podman("image", "umount", APP)
        repair(store)
        assert tools_accept(store, OTHER, BUILT)


def _id_key(store: Store) -> str:
    return f"sha256:{image_of(store, OTHER)['id']}"


class TestUnreadableRecords:
    @pytest.mark.parametrize("kind", ["layers", "images", "containers"])
    def test_are_kept_aside_and_nothing_else_is_touched(self, kind: str, store: Store) -> None:
        path = records_path(store, kind)
        whole = Path(path).read_bytes()
        flip(tree(store, app(store), "diff", "two"))
        cut(path)
        before = files(store)
        (found,) = (item for item in check_here(store, deep=True)["problems"] if item["kind"] == "records_unreadable")
        assert found["object"] == path and "cannot be rebuilt" in found["message"]
        assert files(store) == before
        predicted = check_here(store, check=True, repair=True, remove_containers=True)
        done = check_here(store, repair=True, remove_containers=True)
        assert predicted["changed"] and done["changed"] and predicted["diff"] == done["diff"]
        assert not done["healthy"] and not done["problems"][0]["repaired"]
        (copy,) = (name for name in os.listdir(os.path.dirname(path)) if ".unreadable-" in name)
        kept = os.path.join(os.path.dirname(path), copy)
        assert Path(kept).read_bytes() == Path(path).read_bytes() == whole[: len(whole) // 2]
        trees = snapshot(os.path.join(store.root, "overlay"))
        again = check_here(store, deep=True, repair=True, remove_containers=True)
        assert not again["changed"] and copy in again["problems"][0]["message"]
        assert snapshot(os.path.join(store.root, "overlay")) == trees
        assert set(files(store)[0]) - set(before[0]) == {kept}
        Path(path).write_bytes(whole)
        repair(store)
        assert tools_accept(store, OTHER, BUILT)

    def test_of_mount_counts_are_written_again_from_the_mounts(self, store: Store) -> None:
        point = store.buildah("mount", "box")
        counts = Path(store.run_root, "overlay-layers", "mountpoints.json")
        before = json.loads(counts.read_bytes())
        cut(str(counts))
        assert wrong(check_here(store)) == [("mount_counts_unreadable", str(counts))]
        repair(store)
        assert json.loads(counts.read_bytes()) == before
        store.buildah("umount", "box")
        assert not os.path.ismount(point)
        assert tools_accept(store, APP, OTHER, BUILT)


class TestUnusedLayers:
    def test_are_told_and_kept(self, store: Store) -> None:
        top = app(store)
        rewrite(store, "images", lambda images: images.remove(next(i for i in images if APP in i["names"])))
        found = check_here(store, repair=True)
        told = [item for item in found["problems"] if item["information"]]
        assert [(item["kind"], item["object"], item["repair"]) for item in told] == [("unused_layer", top, None)]
        assert top in [layer["id"] for layer in records(store, "layers")]

    def test_that_we_made_for_a_container_that_never_came_to_be_go(self, store: Store) -> None:
        made = run_module("container_create", {**store.module_options(), "image": APP, "name": "gone"})
        container = made["container"]
        change_layer(store, container["layer_id"], flags={"strata-container": container["id"]})
        rewrite(store, "containers", lambda found: found.pop())
        kinds = {item["kind"] for item in repair(store)["problems"]}
        assert kinds == {"layer_abandoned", "orphan_container_directory"}
        assert tools_accept(store, APP, OTHER, BUILT)


def test_everything_at_once_is_repaired_through_the_module(
    registry: Any, make_store: Callable[[str], Store], pull_options: dict[str, Any]
) -> None:
    store = make_store("ours")
    names = [registry.reference(name) for name in ("odd:1", "zstd:1", "multi:1")]
    pulled = run_module("image_pull", {**store.module_options(), **pull_options, "name": names})
    odd, zstd, multi = (layer_of(store, name)["id"] for name in names)
    run_module("container_create", {**store.module_options(), "image": names[0], "name": "box"})
    lose_link(store, odd)
    lose_link_file(store, zstd)
    make_orphan(store, "overlay", ORPHAN)
    flip(tree(store, multi, "diff", "architecture"))
    os.unlink(item_path(store, image_of(store, names[1]), "manifest"))
    done = run_check(store, deep=True, repair=True)
    assert done.changed and done["healthy"] and not pulled.failed
    assert [step["action"] for step in done["steps"]].count("deleted") == 1
    assert not run_check(store, deep=True, repair=True).changed
    run(["skopeo", "--insecure-policy", "copy", "-q", store.bracket + names[1], f"dir:{store.base}/out"])
    store.podman("rm", "box")
    assert tools_accept(store, *names[:2])
