# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verbs that change a store, each as it begins in a store in which it has something to do."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from .commands import run
from .kill_store import ALIAS, BOX
from .store_state import records
from .stores import Store
from .traced_verb import HELPER, MAIN, ROLES


class Lab(Protocol):
    """What a scenario needs to prepare its store: the name of the image of the registry, verbs that nobody kills, layers."""

    @property
    def app(self) -> str: ...

    def do(self, store: Store, verb: str, **options: Any) -> None: ...

    def put_layers(self, store: Store, count: int) -> None: ...


# The IDs of a container whose root is not the host's.
MAP = "0:100000:65536"


@dataclass(frozen=True)
class Scenario:
    """One verb with its options, on a store with or without the image of the registry, or on none at all.

    ``prepare`` changes the store before. ``may_find`` is what is wrong in it then, and may be so until the verb is done.
    ``spares`` tells that what the store has from the beginning has to stay. ``roles`` are the parts that are killed.
    """

    name: str
    verb: str
    options: Callable[[Lab], Mapping[str, Any]]
    with_app: bool = True
    empty: bool = False
    prepare: Callable[[Lab, Store], None] = lambda _lab, _store: None
    may_find: frozenset[str] = field(default_factory=frozenset)
    spares: bool = True
    roles: tuple[str, ...] = (MAIN,)


def _mounted(lab: Lab, store: Store) -> None:
    lab.do(store, "mount", name=BOX)


def _mounted_by_others(_lab: Lab, store: Store) -> None:
    store.buildah("mount", BOX)


def _mounted_twice(lab: Lab, store: Store) -> None:
    _mounted_by_others(lab, store)
    _mounted(lab, store)


def _mounted_image(lab: Lab, store: Store) -> None:
    lab.do(store, "mount_image", name=lab.app)


def _mapped(lab: Lab, store: Store) -> None:
    lab.do(store, "create", image=lab.app, name="new", uidmap=MAP)


def _unshifting(_lab: Lab, store: Store) -> None:
    """As on a kernel that cannot show other owners at a mount."""
    if store.driver == "overlay":
        directory = Path(store.run_root) / "overlay"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The other tools may have tried already.
        (directory / "idmapped-lower-dir-true").unlink(missing_ok=True)
        (directory / "idmapped-lower-dir-false").touch()


def _without_box(lab: Lab, store: Store) -> None:
    lab.do(store, "remove_container", name=BOX)


def _aliased(lab: Lab, store: Store) -> None:
    lab.do(store, "tag", name=lab.app, targets=[ALIAS])


def _damaged(lab: Lab, store: Store) -> None:
    """The image's headers are lost, a directory and a link belong to nothing, and somebody died while he wrote."""
    _without_box(lab, store)
    root = Path(store.root)
    top = next(image for image in records(store, "images") if lab.app in image.get("names", []))["layer"]
    records_room = root / f"{store.driver}-layers"
    os.unlink(records_room / f"{top}.tar-split.gz")
    stacked = store.driver == "overlay"
    orphan = root / store.driver / _TREE[store.driver].format("0" * 64)
    if store.driver == "btrfs":
        run(["btrfs", "subvolume", "create", str(orphan)])
    orphan.mkdir(parents=True, exist_ok=True)
    (orphan / "file").write_text("lost", encoding="ascii")
    (records_room / ".tmp-layers.json1").write_text("half", encoding="ascii")
    if stacked:
        (root / "overlay" / "l" / ("A" * 26)).symlink_to(f"../{'1' * 64}/diff")


def _with(count: int) -> Callable[[Lab, Store], None]:
    """Has the first ``count`` layers of the image in the store."""
    return lambda lab, store: lab.put_layers(store, count)


def _several(lab: Lab, store: Store) -> None:
    """Has two more images in the store, which share layers with one another and with the image."""
    _without_box(lab, store)
    for count in (2, 3):
        lab.put_layers(store, count)


# Where each driver has the tree of a layer.
_TREE = {"overlay": "{}/diff", "vfs": "dir/{}", "btrfs": "subvolumes/{}"}
_DAMAGE = frozenset({"tar_split_missing", "orphan_layer_directory", "leftover", "stale_link", "image_layer_missing"})

# Those that the design names: pull, create, mount, unmount, delete and tag.
VERBS = (
    Scenario("pull", "pull", lambda lab: {"name": lab.app}, with_app=False, roles=ROLES),
    Scenario("create", "create", lambda lab: {"image": lab.app, "name": "new"}),
    Scenario("mount", "mount", lambda _lab: {"name": BOX}),
    Scenario("unmount", "unmount", lambda _lab: {"name": BOX}, prepare=_mounted),
    Scenario("remove_container", "remove_container", lambda _lab: {"name": BOX}),
    Scenario("remove_image", "remove_image", lambda lab: {"name": lab.app}, prepare=_without_box),
    Scenario("tag", "tag", lambda lab: {"name": lab.app, "targets": [ALIAS]}),
)
# The same under other circumstances, and the other verbs.
FURTHER = (
    Scenario("pull_into_nothing", "pull", lambda lab: {"name": lab.app}, with_app=False, empty=True, roles=ROLES),
    # Calls are counted for each child of the helper anew, and the first child to reach a number is killed: so let the second
    # and the third be the first.
    Scenario("pull_two", "pull", lambda lab: {"name": lab.app}, with_app=False, prepare=_with(2), roles=(HELPER,)),
    Scenario("pull_one", "pull", lambda lab: {"name": lab.app}, with_app=False, prepare=_with(3), roles=(HELPER,)),
    Scenario("create_mapped", "create", lambda lab: {"image": lab.app, "name": "new", "uidmap": MAP}),
    Scenario(
        "create_copied", "create", lambda lab: {"image": lab.app, "name": "new", "uidmap": MAP}, prepare=_unshifting
    ),
    Scenario("mount_mapped", "mount", lambda _lab: {"name": "new"}, prepare=_mapped),
    Scenario("recreate", "create", lambda lab: {"image": lab.app, "name": BOX, "recreate": "always"}),
    Scenario("mount_again", "mount", lambda _lab: {"name": BOX}, prepare=_mounted_by_others),
    Scenario("unmount_one_of_two", "unmount", lambda _lab: {"name": BOX}, prepare=_mounted_twice),
    Scenario("remove_mounted", "remove_container", lambda _lab: {"name": BOX, "force": True}, prepare=_mounted),
    Scenario("remove_with_container", "remove_image", lambda lab: {"name": lab.app, "force": True}),
    Scenario("untag", "remove_image", lambda _lab: {"name": ALIAS}, prepare=_aliased),
    Scenario("mount_image", "mount_image", lambda lab: {"name": lab.app}),
    Scenario("unmount_image", "unmount_image", lambda lab: {"name": lab.app}, prepare=_mounted_image),
    Scenario("prune", "prune", lambda _lab: {}, prepare=_without_box),
    Scenario("prune_several", "prune", lambda _lab: {}, prepare=_several),
    Scenario("repair", "repair", lambda _lab: {}, prepare=_damaged, may_find=_DAMAGE),
    Scenario("wipe", "wipe", lambda _lab: {}, prepare=_mounted, spares=False),
)
