# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Where everything of a store lies on disk: the one place that spells a path inside a graph root or run root.

The names are those of containers/storage; what each file holds is told by the file of this room that reads it. Nothing
here looks at the disk. IDs come from records, which are checked to be plain names when they are read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .big_data import file_name

LOCK_PREFIX = "lock-"
TEMP_DIR_PREFIX = "temp-dir-"
ATOMIC_PREFIX = ".tmp-"
TAR_SPLIT_SUFFIX = ".tar-split.gz"
# What lies in the home of the overlay driver beside the directories of layers.
NO_LAYERS = ("l", "staging", "tempdirs")


@dataclass(frozen=True)
class Layout:
    """The paths of one store; both roots are absolute, ``driver`` is the name of the storage driver."""

    graph_root: str
    run_root: str
    driver: str = "overlay"
    # The graph roots of additional image stores, which are read and never written.
    additional: tuple[str, ...] = ()

    @property
    def stacked(self) -> bool:
        """Whether the tree of a layer is what it changes, so that the kernel stacks trees at each mount.

        Else each tree is whole, and to mount a layer is no more than to count who uses its directory.
        """
        return True

    def of(self, store: str) -> Layout:
        """The layout of the additional store ``store``, and this one where ``store`` is empty."""
        return replace(self, graph_root=store, additional=()) if store else self

    # The store as a whole

    @property
    def storage_lock(self) -> str:
        """The lock of driver initialisation, and of mounting against shutdown."""
        return f"{self.graph_root}/storage.lock"

    @property
    def userns_lock(self) -> str:
        """The lock of the allocation of ID ranges."""
        return f"{self.graph_root}/userns.lock"

    # Layer records

    @property
    def layers_dir(self) -> str:
        """The directory of the layer records."""
        return f"{self.graph_root}/{self.driver}-layers"

    @property
    def layers_json(self) -> str:
        """The layer records."""
        return f"{self.layers_dir}/layers.json"

    @property
    def volatile_layers_json(self) -> str:
        """The records of layers of volatile containers, which newer tools keep apart and write without a sync."""
        return f"{self.layers_dir}/volatile-layers.json"

    @property
    def layers_lock(self) -> str:
        """The lock of layer records, layer data and driver directories."""
        return f"{self.layers_dir}/layers.lock"

    @property
    def layers_tmp(self) -> str:
        """Where files that belong beside the layer records are staged and discarded."""
        return f"{self.layers_dir}/tmp"  # noqa: S108

    def tar_split(self, layer_id: str) -> str:
        """The headers and checksums from which the tar of a layer is put together again."""
        return f"{self.layers_dir}/{layer_id}{TAR_SPLIT_SUFFIX}"

    def layer_data(self, layer_id: str) -> str:
        """The directory of a layer's big data."""
        return f"{self.layers_dir}/{layer_id}"

    def layer_item(self, layer_id: str, key: str) -> str:
        """The file of one big data item of a layer. Raises InvalidKey."""
        return f"{self.layer_data(layer_id)}/{file_name(key)}"

    # Image records

    @property
    def images_dir(self) -> str:
        """The directory of the image records."""
        return f"{self.graph_root}/{self.driver}-images"

    @property
    def images_json(self) -> str:
        """The image records."""
        return f"{self.images_dir}/images.json"

    @property
    def images_lock(self) -> str:
        """The lock of image records and image data."""
        return f"{self.images_dir}/images.lock"

    def image_dir(self, image_id: str) -> str:
        """The directory of an image's big data."""
        return f"{self.images_dir}/{image_id}"

    def image_item(self, image_id: str, key: str) -> str:
        """The file of one big data item of an image. Raises InvalidKey."""
        return f"{self.image_dir(image_id)}/{file_name(key)}"

    # Container records

    @property
    def containers_dir(self) -> str:
        """The directory of the container records."""
        return f"{self.graph_root}/{self.driver}-containers"

    @property
    def containers_json(self) -> str:
        """The container records."""
        return f"{self.containers_dir}/containers.json"

    @property
    def volatile_containers_json(self) -> str:
        """The records of volatile containers, which newer tools keep apart and write without a sync."""
        return f"{self.containers_dir}/volatile-containers.json"

    @property
    def containers_lock(self) -> str:
        """The lock of container records and container data."""
        return f"{self.containers_dir}/containers.lock"

    def container_dir(self, container_id: str) -> str:
        """The directory of a container's big data and of its ``userdata``."""
        return f"{self.containers_dir}/{container_id}"

    def container_item(self, container_id: str, key: str) -> str:
        """The file of one big data item of a container. Raises InvalidKey."""
        return f"{self.container_dir(container_id)}/{file_name(key)}"

    def container_userdata(self, container_id: str) -> str:
        """Where the tool that runs a container keeps its files over a reboot."""
        return f"{self.container_dir(container_id)}/userdata"

    @property
    def run_containers_dir(self) -> str:
        """The directory of the containers' directories in the run root."""
        return f"{self.run_root}/{self.driver}-containers"

    def container_run_dir(self, container_id: str) -> str:
        """The directory of a container in the run root."""
        return f"{self.run_containers_dir}/{container_id}"

    # Mount counts

    @property
    def run_layers_dir(self) -> str:
        """The directory of the mount counts."""
        return f"{self.run_root}/{self.driver}-layers"

    @property
    def mountpoints_json(self) -> str:
        """Which layers are mounted where, and how many times."""
        return f"{self.run_layers_dir}/mountpoints.json"

    @property
    def mountpoints_lock(self) -> str:
        """The lock of the mount counts, and of mounting and unmounting."""
        return f"{self.run_layers_dir}/mountpoints.lock"

    @property
    def mount_markers(self) -> str:
        """The directory of our own mount markers."""
        return f"{self.run_root}/strata/mounts"

    def mount_marker(self, container_id: str) -> str:
        """The file that says that one of a container's mount counts is ours."""
        return f"{self.mount_markers}/{container_id}"

    # The driver's home

    @property
    def driver_home(self) -> str:
        """The directory of the layer trees; a mount point of its own while anything is mounted."""
        return f"{self.graph_root}/{self.driver}"

    @property
    def driver_links(self) -> str:
        """The directory of short symbolic links to the layer trees, which keep mount data below a page."""
        return f"{self.driver_home}/l"

    @property
    def tempdirs(self) -> str:
        """Where layer trees are staged and discarded, on the same mount as the layers."""
        return f"{self.driver_home}/tempdirs"

    @property
    def has_mount_program(self) -> str:
        """The file that tells with which kind of whiteouts the layers were written."""
        return f"{self.driver_home}/.has-mount-program"

    @property
    def driver_run_dir(self) -> str:
        """The directory of the driver's feature cache."""
        return f"{self.run_root}/{self.driver}"

    def feature_note(self, feature: str, found: bool) -> str:
        """The file by which the other tools note that the kernel has a feature, or has it not."""
        return f"{self.driver_run_dir}/{feature}-{'true' if found else 'false'}"

    @property
    def layer_trees(self) -> str:
        """The directory that has one of its own for each layer."""
        return self.driver_home

    def link(self, name: str) -> str:
        """The short symbolic link with the name ``name``."""
        return f"{self.driver_links}/{name}"

    def driver_layer(self, layer_id: str) -> str:
        """The directory of a layer in the driver's home."""
        return f"{self.layer_trees}/{layer_id}"

    def diff(self, layer_id: str) -> str:
        """The tree of a layer: what it adds, and whiteouts for what it takes away."""
        return f"{self.driver_layer(layer_id)}/diff"

    def older_diff(self, layer_id: str, generation: int) -> str:
        """What was the tree of a layer before its ID maps changed, so many times ago; it lies below the tree."""
        return f"{self.diff(layer_id)}{generation}"

    def mapped(self, layer_id: str) -> str:
        """Where the trees below a layer are mounted with other owners, for as long as mounting takes."""
        return f"{self.driver_layer(layer_id)}/mapped"

    def link_file(self, layer_id: str) -> str:
        """The file that holds the name of a layer's short link."""
        return f"{self.driver_layer(layer_id)}/link"

    def lower_file(self, layer_id: str) -> str:
        """The file that lists the short links of the layers below, nearest first."""
        return f"{self.driver_layer(layer_id)}/lower"

    def work(self, layer_id: str) -> str:
        """The working directory of the kernel's overlay file system."""
        return f"{self.driver_layer(layer_id)}/work"

    def merged(self, layer_id: str) -> str:
        """Where a layer is mounted."""
        return f"{self.driver_layer(layer_id)}/merged"

    def empty(self, layer_id: str) -> str:
        """An empty directory that stands for the missing parent of a base layer."""
        return f"{self.driver_layer(layer_id)}/empty"

    @property
    def record_files(self) -> tuple[str, ...]:
        """Every file of records in the graph root."""
        return (
            self.layers_json,
            self.volatile_layers_json,
            self.images_json,
            self.containers_json,
            self.volatile_containers_json,
        )

    @property
    def lock_files(self) -> tuple[str, ...]:
        """Every file that is there to be locked, but for those of single downloads and mounts."""
        return (self.storage_lock, self.layers_lock, self.mountpoints_lock, self.images_lock, self.containers_lock)

    def set_aside(self, path: str, mark: str) -> str:
        """Where a damaged record file is kept, told from others by ``mark``; no tool looks at such a name."""
        return f"{path}.unreadable-{mark}"

    def all_directories(self) -> tuple[tuple[str, int], ...]:
        """Every directory that a store needs before anything is written to it, with its mode, parents first."""
        return (
            (self.graph_root, 0o700),
            (self.run_root, 0o700),
            (self.layers_dir, 0o700),
            (self.images_dir, 0o700),
            (self.containers_dir, 0o700),
            *self.driver_directories(),
            (self.run_layers_dir, 0o700),
            (self.run_containers_dir, 0o700),
        )

    def driver_directories(self) -> tuple[tuple[str, int], ...]:
        """Those of them that are the driver's."""
        return ((self.driver_home, 0o700), (self.driver_links, 0o755), (self.driver_run_dir, 0o700))


@dataclass(frozen=True)
class VfsLayout(Layout):
    """The paths of a store of the vfs driver: the tree of a layer is all that the layer has in the driver's home."""

    driver: str = "vfs"

    @property
    def stacked(self) -> bool:
        """Each tree is whole: a copy of the one below, changed."""
        return False

    @property
    def layer_trees(self) -> str:
        """The directory of the trees."""
        return f"{self.driver_home}/dir"

    def diff(self, layer_id: str) -> str:
        """The tree of a layer with all that is below it."""
        return self.driver_layer(layer_id)

    def merged(self, layer_id: str) -> str:
        """Where a layer is to be found once it is mounted: its tree itself."""
        return self.driver_layer(layer_id)

    def driver_directories(self) -> tuple[tuple[str, int], ...]:
        """The directories of the driver that the store needs."""
        return ((self.driver_home, 0o700), (self.layer_trees, 0o700))


@dataclass(frozen=True)
class BtrfsLayout(VfsLayout):
    """The paths of a store of the btrfs driver: as those of vfs, but each tree is a subvolume."""

    driver: str = "btrfs"

    @property
    def layer_trees(self) -> str:
        """The directory of the subvolumes."""
        return f"{self.driver_home}/subvolumes"

    def quota(self, layer_id: str) -> str:
        """The file that says how large a container's tree may become, where that was asked for."""
        return f"{self.driver_home}/quotas/{layer_id}"


LAYOUTS: dict[str, type[Layout]] = {"overlay": Layout, "vfs": VfsLayout, "btrfs": BtrfsLayout}
