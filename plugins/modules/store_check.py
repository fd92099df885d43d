#!/usr/bin/python
# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: store_check
short_description: Check a container store for damage and repair it
description:
  - Finds what a crash, a full or failing disk or a stray command damaged in the store that podman, buildah, CRI-O and this collection share,
    and with O(repair) puts right what can be put right.
  - Covers what C(podman system check) does, without mounting anything, and works on stores of older versions of Podman that lack that command.
  - Without O(repair) it takes shared locks only and writes nothing.
author: Strata contributors (@strata-containers)
extends_documentation_fragment:
  - strata.containers._attributes
  - strata.containers._store
options:
  deep:
    description:
      - Read the contents too. The archive of each layer is put together again and compared with its digest and size, every file in it with
        its checksum, the tree of each layer with the owners, modes and times in its archive, and the data of images with their digests.
      - Reads every byte of the store. No lock is held meanwhile, so that other tools can work.
    type: bool
    default: false
  repair:
    description:
      - Repair what is found. Links, lists, directories, sizes and counts are put right, and what belongs to nothing is deleted.
      - A layer or image that is damaged beyond that is deleted, together with all that needs it, as by C(podman system check --repair).
        Images can be pulled again.
      - A record file that cannot be read cannot be rebuilt. A copy of it is kept beside it, since older versions of Podman
        overwrite such a file, and nothing else is touched until it has been restored.
      - Nor is anything touched while a record file is empty or missing and what it told of is still there. Write C([]) into it to have that
        deleted as what belongs to nothing.
    type: bool
    default: false
  remove_containers:
    description:
      - Let a repair also delete damaged containers, containers that need something that is damaged, and layers that are mounted.
        Whatever was written in such a container is lost.
      - Without it such damage is reported and left alone, and so are the files of layers that lost their record and that a container needs.
    type: bool
    default: false
notes:
  - A user other than root works on stores of that user, as rootless podman does; it takes subordinate IDs. See C(docs/rootless.md).
  - Mounts are looked for in the mount namespace of the task, for a user other than root in that of rootless podman. Where other tools
    mount in one of their own, their mount counts look stale.
  - What a task that was killed left half-made is removed by the next task of this collection that changes the store. Until then it is
    reported here, as V(leftover), V(layer_incomplete), V(layer_abandoned) or V(orphan_image_directory).
  - Of additional image stores only the IDs are read; what is in them is neither checked nor repaired.
seealso:
  - module: strata.containers.store_wipe
  - module: strata.containers.store_info
"""

EXAMPLES = r"""
---
- name: Look for damage
  strata.containers.store_check:
  register: result

- name: Fail when there is any
  ansible.builtin.assert:
    that: result.healthy

- name: Compare every file with its checksum
  strata.containers.store_check:
    deep: true

- name: Repair the store, containers last
  strata.containers.store_check:
    deep: true
    repair: true
    remove_containers: true
"""

RETURN = r"""
---
healthy:
  description: Whether nothing is wrong; after a repair, whether nothing is wrong any more. What is for information only does not count.
  returned: success
  type: bool
  sample: false
problems:
  description: Everything that was found.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description:
        - A stable word for the kind of problem.
        - Of layers V(layer_incomplete), V(layer_tree_missing), V(layer_parent_missing), V(layer_data_missing), V(layer_link_lost), V(layer_not_subvolume),
          V(layer_lower_wrong), V(layer_directory_missing), V(layer_abandoned), V(tar_split_missing), V(tar_split_damaged),
          V(layer_content_changed), V(layer_tree_changed), V(layer_unreadable), V(layer_size_wrong), V(layer_digest_invalid),
          V(layer_record_invalid), V(unused_layer).
        - Of images V(image_layer_missing), V(image_mapped_layer_missing), V(image_digest_invalid), V(image_data_missing),
          V(image_data_changed), V(image_data_size_wrong), V(image_layers_wrong), V(image_name_invalid), V(image_record_invalid).
        - Of containers V(container_layer_missing), V(container_image_missing), V(container_data_missing), V(container_data_changed),
          V(container_data_size_wrong), V(container_record_invalid).
        - Without a record V(orphan_layer_directory), V(orphan_layer_data), V(orphan_tar_split), V(orphan_image_directory),
          V(orphan_container_directory), V(stale_link), V(leftover).
        - Of the store V(mount_count_stale), V(mount_counts_unreadable), V(records_unreadable), V(records_missing), V(record_repeated).
      returned: always
      type: str
      sample: layer_link_lost
    object:
      description: The ID of the layer, image or container, or a path.
      returned: always
      type: str
      sample: 6fb649abbaddae900b1f0f55f0e8c45a2667e681cbb68d38f8834a21738de5a2
    message:
      description: What is wrong, and why a repair leaves it alone if it does.
      returned: always
      type: str
      sample: the short link to the layer or the file with its name is lost
    repair:
      description: What a repair does (or did) about it; null where it does nothing.
      returned: always
      type: str
      sample: make the link again
    repaired:
      description: Whether it was there before this run and is gone after it.
      returned: always
      type: bool
      sample: true
    information:
      description: Whether this is no error. Layers that nothing uses are harmless and stay.
      returned: always
      type: bool
      sample: false
error:
  description: What went wrong, as data. Playbooks may rely on C(code).
  returned: failure
  type: dict
  contains:
    code:
      description: Stable word for the kind of error.
      returned: always
      type: str
      sample: permission_denied
    message:
      description: One sentence.
      returned: always
      type: str
      sample: the store cannot be read
    object:
      description: What it happened to; may be empty.
      returned: always
      type: str
      sample: /var/lib/containers/storage
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
  sample: [{action: mended, object: 6fb649abbadd, kind: layer_link_lost}]
"""

from ansible_collections.strata.containers.plugins.module_utils._module.begin import run_module
from ansible_collections.strata.containers.plugins.module_utils._module.store_check import OPTIONS, verb


def main() -> None:
    run_module(OPTIONS, verb)


if __name__ == "__main__":
    main()
