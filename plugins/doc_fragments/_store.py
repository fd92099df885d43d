# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that name the store; the spec is _module/specs.STORE."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  root:
    description:
      - Graph root, the directory that holds images, layers and containers.
      - When unset, C(storage.conf) of the target decides, and without it C(/var/lib/containers/storage), for users other than root
        C(~/.local/share/containers/storage).
      - When set, driver options in C(storage.conf) do not apply, as with C(podman --root).
    type: path
  runroot:
    description:
      - Run root, the directory that holds mount counts and other state that ends with a reboot.
      - When unset, C(storage.conf) of the target decides, and without it C(/run/containers/storage), for users other than root
        C($XDG_RUNTIME_DIR/containers).
    type: path
  driver:
    description:
      - Storage driver of the store. This release has V(overlay), for which V(overlay2) is another name, V(vfs), and V(btrfs). Any other is
        an error.
      - With V(vfs) each layer and container is a copy of all that is below it. It needs nothing of the kernel, and much space where the
        file system cannot share the blocks of files as Btrfs and XFS do.
      - With V(btrfs), whose store must lie on Btrfs, each of them is a subvolume, made as a snapshot of the one below.
      - When unset, C(storage.conf) of the target decides; where it names none, the driver that has kept layers in the store, and
        V(overlay) in a new one.
    type: str
  driver_options:
    description:
      - Options of the storage driver as C(key=value), for example V(overlay.mountopt=nodev). They replace those of C(storage.conf).
      - With V(overlay.mount_program=/usr/bin/fuse-overlayfs) that program mounts the layers, and the store remembers it for all tools.
    type: list
    elements: str
    aliases: [storage_opts]
  storage_conf:
    description:
      - The C(storage.conf) to read.
      - When unset, it is found where podman finds it. E(CONTAINERS_STORAGE_CONF) on the target is honoured.
    type: path
requirements:
  - tomli on targets whose Python is older than 3.11, when there is a C(storage.conf)
"""
