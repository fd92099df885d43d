# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of drivers whose trees are whole have in common: an image by their rules, and how they look at a store."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .applied_layers import APPLIED_LAYERS
from .btrfs import subvolumes
from .check_bench import check_here, wrong
from .commands import run
from .long_run import LONG
from .modules import ModuleResult, run_module
from .odd_images import PLAIN, ImageLayout, make_tar, odd_layers
from .stores import Store
from .trees import snapshot

DRIVERS = ("vfs", "btrfs")
ODD, RULES = "example.com/odd:1", "example.com/rules:1"
# Below the driver's home.
_TREES = {"vfs": "dir", "btrfs": "subvolumes"}
_NESTED = ("nested", "nested/deep", "nested/deep/plain/deeper")


def image_layout(directory: str) -> ImageLayout:
    """The images ``rules``, whose layers take away and put in the place what the ones below have, and ``odd``."""
    layout = ImageLayout(directory)
    rules = [(make_tar(entries), PLAIN) for entries in APPLIED_LAYERS]
    layout.add_image("rules", rules)
    layout.add_image("odd", [*odd_layers(), *rules])
    return layout


def fill(store: Store, layout: ImageLayout) -> None:
    """Has skopeo bring an image, and buildah build one on top."""
    run(["skopeo", "--insecure-policy", "copy", f"oci:{layout.directory}:rules", store.bracket + RULES])
    store.buildah("from", "--pull-never", "--name", "build", RULES)
    point = store.buildah("mount", "build")
    Path(point, "built").write_text("built", encoding="ascii")
    shutil.rmtree(os.path.join(point, "opaque"))
    store.buildah("umount", "build")
    store.buildah("commit", "--quiet", "build", "localhost/built:1")
    store.buildah("rm", "build")
    # skopeo leaves its bind of the home of btrfs, and podman takes it away.
    store.podman("images")


def module(store: Store, verb: str, *, check: bool = False, **arguments: Any) -> ModuleResult:
    result = run_module(verb, {**store.module_options(), **arguments}, check=check)
    assert not result.failed, result.text
    return result


def done(store: Store, verb: str, **arguments: Any) -> ModuleResult:
    """The result of a module that had something to do: foreseen in check mode, and nothing to do afterwards.

    Both is nothing that the driver decides, so the short run does without it.
    """
    if not LONG:
        result = module(store, verb, **arguments)
        assert result.changed, result.text
        return result
    before = files(store)
    foreseen = module(store, verb, check=True, **arguments)
    assert files(store) == before
    result = module(store, verb, **arguments)
    assert foreseen.changed and result.changed and foreseen["diff"] == result["diff"]
    settled = files(store)
    again = [module(store, verb, check=check, **arguments).changed for check in (True, False)]
    assert again == [False, False] and files(store) == settled
    return result


def files(store: Store) -> tuple[Any, Any]:
    return snapshot(store.root), snapshot(store.run_root)


def home(store: Store) -> str:
    return os.path.join(store.root, store.driver)


def trees(store: Store) -> str:
    return os.path.join(home(store), _TREES[store.driver])


def known(store: Store) -> list[str]:
    """What the driver keeps, by its path below its home: the trees of vfs, or all subvolumes, as btrfs(8) lists them."""
    if store.driver == "vfs":
        return sorted(f"{_TREES['vfs']}/{name}" for name in os.listdir(trees(store)))
    point = os.path.dirname(store.base)
    inside = os.path.relpath(home(store), point) + "/"
    return [path[len(inside) :] for path in subvolumes(point) if path.startswith(inside)]


def named(store: Store, layers: Iterable[str]) -> list[str]:
    """What ``known`` says of a store that has these layers and nothing else."""
    return sorted(f"{_TREES[store.driver]}/{layer}" for layer in layers)


def of_records(store: Store) -> list[str]:
    """The same for the layers of its records."""
    return named(store, (layer["id"] for layer in records(store, "layers")))


def make_tree(store: Store, path: str) -> None:
    """Makes a directory as the driver of the store makes those of layers."""
    if store.driver == "btrfs":
        run(["btrfs", "subvolume", "create", path])
    else:
        os.mkdir(path)


def nest(store: Store, tree: str) -> int:
    """Makes such directories in one another inside ``tree``, each with a file; how many more the driver keeps then."""
    for name in _NESTED:
        path = os.path.join(tree, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        make_tree(store, path)
        Path(path, "file").write_text(name, encoding="ascii")
    return len(_NESTED) if store.driver == "btrfs" else 0


def records(store: Store, kind: str) -> list[dict[str, Any]]:
    path = Path(store.root, f"{store.driver}-{kind}", f"{kind}.json")
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else []


def counts(store: Store) -> list[int]:
    text = Path(store.run_root, f"{store.driver}-layers", "mountpoints.json").read_text(encoding="utf-8")
    return [record["count"] for record in json.loads(text)]


def problems(store: Store, **arguments: Any) -> list[tuple[str, str]]:
    return wrong(check_here(store, **arguments))


def is_empty(store: Store) -> bool:
    return os.listdir(trees(store)) == [] and [records(store, kind) for kind in ("layers", "images", "containers")] == [
        [],
        [],
        [],
    ]


def unnamed_times(theirs: dict[str, Any], ours: dict[str, Any], began: int) -> None:
    """Takes the times away that are those of the pull itself: of directories that were made or changed on the way."""
    for path, entry in theirs.items():
        other = ours.get(path, {})
        if entry["type"] == other.get("type") == 0o040000 and min(entry["mtime_ns"], other["mtime_ns"]) >= began:
            entry["mtime_ns"] = other["mtime_ns"] = None


def saved_layers(archive: str) -> list[str]:
    """The digests of the layers of an archive of ``podman save``."""
    with tarfile.open(archive) as tar:

        def read(name: str) -> bytes:
            member = tar.extractfile(name)
            assert member is not None
            return member.read()

        (manifest,) = json.loads(read("manifest.json"))
        return [f"sha256:{hashlib.sha256(read(name)).hexdigest()}" for name in manifest["Layers"]]


def runs(store: Store, image: str) -> None:
    """Has the shell of the image, a distribution, run in a container of buildah's, and commits what it wrote.

    In its changed root, and by no runtime: those need control groups.
    """
    store.buildah("from", "--pull-never", "--name", "runs", image)
    point = store.buildah("mount", "runs")
    assert run(["chroot", point, "/bin/sh", "-c", "cat /etc/debian_version > /seen; echo run"]) == "run\n"
    store.buildah("commit", "--quiet", "runs", "localhost/seen:1")
    assert problems(store, deep=True) == []


DAMAGES: dict[str, Callable[[str], object]] = {
    "content": lambda tree: Path(tree, "pair", "two").write_bytes(b"LINKED"),
    "addition": lambda tree: Path(tree, "added").touch(),
    "loss": lambda tree: os.unlink(os.path.join(tree, "pair", "two")),
    "mode": lambda tree: os.chmod(os.path.join(tree, "owned"), 0o755),
    "owner": lambda tree: os.chown(os.path.join(tree, "pair", "two"), 1, 1),
}
