#!/usr/bin/python
# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: container_create
short_description: Create and delete containers in a container store
description:
  - Creates a container, a writable instance of an image that is in the store, and deletes it with everything in it.
  - No process is started. Mount the container with M(strata.containers.container_mount) to reach its files.
  - C(podman ps --external) and C(buildah containers --all) list it, C(podman rm) removes it.
author: Strata contributors (@strata-containers)
extends_documentation_fragment:
  - strata.containers._attributes
  - strata.containers._store
attributes:
  idempotent:
    support: partial
    details:
      - Without O(name) each run creates a container; with O(recreate=always) each run replaces it.
options:
  image:
    description:
      - Image to create the container from, by name, ID, unique prefix of an ID, or digest.
      - A name without a registry is looked for as podman does, with the aliases and search registries of C(registries.conf).
      - It must be in the store; nothing is pulled. Required for O(state=present).
    type: str
  name:
    description:
      - Name of the container, by which it is known in later runs. Required for O(state=absent), where an ID, or
        the first twelve digits or more of one, does as well.
      - Without a name each run creates another container.
    type: str
  state:
    description: Whether the container shall be there.
    type: str
    choices: [present, absent]
    default: present
  recreate:
    description: When to replace a container that is there, losing what is in it.
    type: str
    choices:
      never: Leave it. What differs from the task is returned in RV(differences) and warned of.
      on_image_change: When O(image) is another image than the one it was made from.
      always: At each run.
    default: never
  metadata:
    description:
      - Text that is stored with the container.
      - When unset, the JSON that podman writes, which makes podman list the container by its name.
    type: str
  mount_label:
    description: SELinux label of the container's files.
    type: str
  process_label:
    description: SELinux label for processes of the container.
    type: str
  mount_opts:
    description: Mount options of the container, in place of those of C(storage.conf).
    type: list
    elements: str
  uidmap:
    description:
      - User IDs of the container and the IDs of the host that stand for them, as V(container_id:host_id:size), one entry a range.
        Without a size it is one ID.
      - With O(uidmap) or O(gidmap) alone, users and groups map alike, as for C(podman create --uidmap). One range must have the ID 0.
      - An empty list asks for a container without a map, whose IDs are those of the host.
      - For a user other than root the IDs of the host are those of the user's namespace, where 0 is the user and 1 the first
        subordinate ID.
      - Where the kernel can show files with other owners at a mount (Linux 5.19, driver V(overlay)), the container costs no more
        than any other. Else the first one with a map gets a copy of the image's files with these owners, which
        stays with the image and serves further containers with the same map.
      - Another map in a container that is there is a difference; see O(recreate).
    type: list
    elements: str
  gidmap:
    description: Group IDs of the container, as V(container_id:host_id:size). See O(uidmap).
    type: list
    elements: str
  userns:
    description:
      - The user namespace that the container is for, as C(podman create --userns) spells it. Not together with O(uidmap) and O(gidmap).
      - V(auto) gives the container IDs of the host that no other container of the store has, as many as the image needs. They are
        taken from the subordinate IDs of the user V(containers), or whom C(root-auto-userns-user) in C(storage.conf) names, in
        C(/etc/subuid) and C(/etc/subgid), or of the user who is not root; C(auto-userns-min-size) and C(auto-userns-max-size) set bounds.
      - V(auto:size=4096) gives it that many. V(auto:uidmapping=0:100000:1,gidmapping=0:100000:1) gives it these besides; both can be
        repeated and combined.
      - V(host) asks for a container without a map.
      - A container that is there and could have come from the same V(auto) keeps its IDs.
    type: str
  force:
    description: Unmount a mounted container that is to be deleted or replaced, whoever mounted it.
    type: bool
    default: false
notes:
  - A user other than root works on stores of that user, as rootless podman does; it takes subordinate IDs. See C(docs/rootless.md).
"""

EXAMPLES = r"""
---
- name: Have a container to work in
  strata.containers.container_create:
    image: registry.example.com/base/debian:12
    name: workbench

- name: The same, from the newest image after a pull
  strata.containers.container_create:
    image: registry.example.com/base/debian:12
    name: workbench
    recreate: on_image_change

- name: A container whose root is nobody on the host
  strata.containers.container_create:
    image: registry.example.com/base/debian:12
    name: sandbox
    uidmap:
      - 0:100000:65536

- name: A container with IDs of its own, whichever are free
  strata.containers.container_create:
    image: registry.example.com/base/debian:12
    name: guest
    userns: auto:size=8192

- name: No such container any more
  strata.containers.container_create:
    name: workbench
    state: absent
"""

RETURN = r"""
---
container:
  description: The container; for O(state=absent) as it was before, null when there was none.
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
      description: ID of its writable layer; null like RV(container.id).
      returned: always
      type: str
      sample: 7f1c0d2e3b4a59687f1c0d2e3b4a59687f1c0d2e3b4a59687f1c0d2e3b4a5968
    metadata:
      description: Text that belongs to the record, as stored; null in check mode for podman's, which tells the time.
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
      description: When the container was created; null like RV(container.id).
      returned: always
      type: str
      sample: "2026-11-23T16:53:00.73739449Z"
    uid_map:
      description: User ID map of the container; empty when its IDs are those of the host.
      returned: always
      type: list
      elements: dict
      sample: [{container_id: 0, host_id: 100000, size: 65536}]
    gid_map:
      description: Group ID map of the container; empty when its IDs are those of the host.
      returned: always
      type: list
      elements: dict
      sample: [{container_id: 0, host_id: 100000, size: 65536}]
    flags:
      description: Flags of the record, such as the labels for SELinux and the mount options.
      returned: always
      type: dict
      sample: {MountLabel: "", ProcessLabel: ""}
    path:
      description: Directory of the files that the container changed; null like RV(container.id).
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
differences:
  description: What the task asks for and the container that is there has otherwise.
  returned: O(state=present)
  type: list
  elements: dict
  contains:
    what:
      description: Name of the differing property.
      returned: always
      type: str
      sample: image_id
    wanted:
      description: What the task asks for.
      returned: always
      type: raw
      sample: 6e30ab57aeeef1ebca8ac5a6ea05b5dd39d54990be94e7be18bb969a02d10a3f
    found:
      description: What the container has.
      returned: always
      type: raw
      sample: 0f3c5b0b1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3
error:
  description: What went wrong, as data. Playbooks may rely on C(code).
  returned: failure
  type: dict
  contains:
    code:
      description: Stable word for the kind of error.
      returned: always
      type: str
      sample: unknown_image
    message:
      description: One sentence.
      returned: always
      type: str
      sample: no image of this name or ID is in the store
    object:
      description: What it happened to; may be empty.
      returned: always
      type: str
      sample: registry.example.com/base/debian:13
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
  sample: [{action: created, object: 2d2b0e7a3c9f}]
"""

from ansible_collections.strata.containers.plugins.module_utils._module.begin import run_module
from ansible_collections.strata.containers.plugins.module_utils._module.container_create import (
    CONSTRAINTS,
    OPTIONS,
    verb,
)


def main() -> None:
    run_module(OPTIONS, verb, **CONSTRAINTS)


if __name__ == "__main__":
    main()
