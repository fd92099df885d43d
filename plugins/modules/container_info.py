#!/usr/bin/python
# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: container_info
short_description: List the containers of a container store
description:
  - Returns the containers that podman, buildah, CRI-O or this collection keep in a store, with their mounts as they are now.
  - Reads only, under the shared locks of the store, and leaves no trace. A store that does not exist is an empty one.
  - What podman keeps outside of the store, such as whether a container runs, is not known here.
author: Strata contributors (@strata-containers)
extends_documentation_fragment:
  - strata.containers._attributes.info
  - strata.containers._store
options:
  name:
    description:
      - Containers to look for, each by name, ID, ID of its layer, or unique prefix of an ID.
      - When unset, all containers.
    type: list
    elements: str
seealso:
  - module: strata.containers.container_create
  - module: strata.containers.container_mount
"""

EXAMPLES = r"""
---
- name: List all containers
  strata.containers.container_info:
  register: store

- name: Show which of them are mounted
  ansible.builtin.debug:
    msg: "{{ store.containers | rejectattr('mount_point', 'none') | map(attribute='names') | flatten }}"

- name: Look at one container
  strata.containers.container_info:
    name: workbench
  register: workbench

- name: Stop where it is missing
  ansible.builtin.assert:
    that: workbench.missing | length == 0
"""

RETURN = r"""
---
containers:
  description: The containers that were found, in the order asked.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Container ID.
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
missing:
  description: The entries of O(name) that no container answers to.
  returned: success
  type: list
  elements: str
  sample: []
error:
  description: What went wrong, as data. Playbooks may rely on C(code).
  returned: failure
  type: dict
  contains:
    code:
      description: Stable word for the kind of error.
      returned: always
      type: str
      sample: ambiguous_name
    message:
      description: One sentence.
      returned: always
      type: str
      sample: several records match
    object:
      description: What it happened to; may be empty.
      returned: always
      type: str
      sample: 7f1
    wanted:
      description: What was wanted; may be empty.
      returned: always
      type: str
      sample: ""
    found:
      description: What was found; may be empty.
      returned: always
      type: str
      sample: 7f1c0d2e3b4a web, 7f1e55b0c2d3 db
steps:
  description: What was done to which object, in order.
  returned: when the verbosity is 3 or more
  type: list
  elements: dict
  sample: []
"""

from ansible_collections.strata.containers.plugins.module_utils._module.begin import run_module
from ansible_collections.strata.containers.plugins.module_utils._module.container_info import OPTIONS, verb


def main() -> None:
    run_module(OPTIONS, verb)


if __name__ == "__main__":
    main()
