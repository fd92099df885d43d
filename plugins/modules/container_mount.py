#!/usr/bin/python
# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: container_mount
short_description: Mount and unmount containers of a container store
description:
  - Mounts the root file system of a container, so that other tasks can read and write its files.
  - >-
    Mounts are counted over all tools. V(mounted) holds exactly one count of its own; V(unmounted) gives that one back, and the mount stays
    as long as podman or another tool holds one.
author: Strata contributors (@strata-containers)
extends_documentation_fragment:
  - strata.containers._attributes
  - strata.containers._store
options:
  name:
    description:
      - Container, by name, or by its ID, of which the first twelve digits will do.
      - An unknown container is an error for O(state=mounted), and unmounted already for O(state=unmounted).
    type: str
    required: true
  state:
    description: Whether this collection shall hold a mount of the container.
    type: str
    choices: [mounted, unmounted]
    default: mounted
  read_only:
    description:
      - Mount without the right to write.
      - It is an error when the container is mounted the other way already, and with the drivers V(vfs) and V(btrfs), whose
        mounts are directories.
    type: bool
    default: false
  force:
    description: With O(state=unmounted), take away the mounts of all tools.
    type: bool
    default: false
notes:
  - A user other than root works on stores of that user, as rootless podman does; it takes subordinate IDs. See C(docs/rootless.md).
  - What such a user mounts no process sees but those of C(podman unshare) and of the command in RV(enter).
"""

EXAMPLES = r"""
---
- name: Reach the files of the container
  strata.containers.container_mount:
    name: workbench
  register: mounted

- name: Write one of them
  ansible.builtin.copy:
    content: "hello\n"
    dest: "{{ mounted.mount_point }}/etc/motd"
    mode: "0644"

- name: Done with it
  strata.containers.container_mount:
    name: workbench
    state: unmounted
"""

RETURN = r"""
---
mount_point:
  description: Where the root file system is mounted; null when it is not.
  returned: success
  type: str
  sample: /var/lib/containers/storage/overlay/7f1c0d2e3b4a59687f1c0d2e3b4a59687f1c0d2e3b4a59687f1c0d2e3b4a5968/merged
mount_count:
  description: How many mounts are held, over all tools.
  returned: success
  type: int
  sample: 1
mounted_here:
  description: Whether one of them is this collection's.
  returned: success
  type: bool
  sample: true
enter:
  description: >-
    How a command begins that sees the mount. Empty where every process does, as for root; for another user the mount is in namespaces
    that a process of the user keeps.
  returned: success
  type: list
  elements: str
  sample: []
container:
  description: The container; null for one that is unknown.
  returned: success
  type: dict
  contains:
    id:
      description: Container ID; null in check mode for one that does not exist yet.
      returned: always
      type: str
      sample: 2d2b0e7a3c9f4e59d3c7c8f5f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4
    names:
      description: Names of the container.
      returned: always
      type: list
      elements: str
      sample: [web]
    image_id:
      description: ID of the image it was made from.
      returned: always
      type: str
      sample: 6e30ab57aeeef1ebca8ac5a6ea05b5dd39d54990be94e7be18bb969a02d10a3f
    layer_id:
      description: ID of its writable layer.
      returned: always
      type: str
      sample: 7f1c0d2e3b4a59687f1c0d2e3b4a59687f1c0d2e3b4a59687f1c0d2e3b4a5968
    metadata:
      description: Text that belongs to the record, as stored.
      returned: always
      type: str
      sample: '{"image-name":"registry.example.com/base/debian:12","name":"web"}'
    big_data:
      description: Names of the data items of the record.
      returned: always
      type: list
      elements: str
      sample: []
    created:
      description: When the container was created.
      returned: always
      type: str
      sample: "2026-11-23T16:53:00.73739449Z"
    uid_map:
      description: User ID map of the container.
      returned: always
      type: list
      elements: dict
      sample: []
    gid_map:
      description: Group ID map of the container.
      returned: always
      type: list
      elements: dict
      sample: []
    flags:
      description: Flags of the record, such as the labels for SELinux and the mount options.
      returned: always
      type: dict
      sample: {MountLabel: "", ProcessLabel: ""}
    path:
      description: Directory of the files that the container changed.
      returned: always
      type: str
      sample: /var/lib/containers/storage/overlay/7f1c0d2e3b4a59687f1c0d2e3b4a59687f1c0d2e3b4a59687f1c0d2e3b4a5968/diff
    mount_point:
      description: Where the container's root file system is mounted; null when it is not.
      returned: always
      type: str
      sample: null
    mount_count:
      description: How many mounts of the container are held, over all tools.
      returned: always
      type: int
      sample: 0
error:
  description: What went wrong, as data. Playbooks may rely on C(code).
  returned: failure
  type: dict
  contains:
    code:
      description: Stable word for the kind of error.
      returned: always
      type: str
      sample: unknown_container
    message:
      description: One sentence.
      returned: always
      type: str
      sample: no container of this name or ID is in the store
    object:
      description: What it happened to; may be empty.
      returned: always
      type: str
      sample: workbench
    wanted:
      description: What was wanted; may be empty.
      returned: always
      type: str
      sample: ""
    found:
      description: What was found; may be empty.
      returned: always
      type: str
      sample: ""
steps:
  description: What was done to which object, in order.
  returned: when the verbosity is 3 or more
  type: list
  elements: dict
  sample: [{action: mounted, object: 2d2b0e7a3c9f}]
"""

from ansible_collections.strata.containers.plugins.module_utils._module.begin import run_module
from ansible_collections.strata.containers.plugins.module_utils._module.container_mount import OPTIONS, verb


def main() -> None:
    run_module(OPTIONS, verb)


if __name__ == "__main__":
    main()
