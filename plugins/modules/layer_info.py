#!/usr/bin/python
# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: layer_info
short_description: List the layers of a container store
description:
  - Returns the layers that images and containers of a store consist of, and what uses each of them.
  - Reads only, under the shared locks of the store, and leaves no trace. A store that does not exist is an empty one.
author: Strata contributors (@strata-containers)
extends_documentation_fragment:
  - strata.containers._attributes.info
  - strata.containers._store
options:
  name:
    description:
      - Layers to look for, each by ID, name, or unique prefix of an ID.
      - When unset, all layers, incomplete ones included.
    type: list
    elements: str
seealso:
  - module: strata.containers.image_info
  - module: strata.containers.store_info
"""

EXAMPLES = r"""
---
- name: List all layers
  strata.containers.layer_info:
  register: store

- name: Show those that nothing uses
  ansible.builtin.debug:
    msg: "{{ item.id }} of {{ item.created }}"
  loop: "{{ store.layers }}"
  loop_control:
    label: "{{ item.id }}"
  when: (item.used_by.images + item.used_by.containers + item.used_by.children) | length == 0
"""

RETURN = r"""
---
layers:
  description: The layers that were found, in the order asked, else in that of their creation.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Layer ID.
      returned: always
      type: str
      sample: a3c3bfbfe562d97d6e05764010d97b03b63d62f5324ace4b493d67a44315144d
    parent:
      description: ID of the layer below.
      returned: always; null for a base layer
      type: str
      sample: ac8b4038ce8be089d976843edea83186a5831f57712826cafcb0aa07f276864d
    names:
      description: Names of the layer; podman names those of its containers.
      returned: always
      type: list
      elements: str
      sample: []
    created:
      description: When the layer came into the store.
      returned: always
      type: str
      sample: "2026-11-23T16:51:47.945530359Z"
    compressed_digest:
      description: Digest of the blob as it was received.
      returned: always; null for a layer that came from no blob
      type: str
      sample: sha256:6801b99a1fb8f0b3e0a5a3f2f8ac9ee04e5cd1c9b0cf1d3f4c0b86f4a8e1e7b0
    compressed_size:
      description: Bytes of that blob.
      returned: always; null for a layer that came from no blob
      type: int
      sample: 49580032
    diff_id:
      description: Digest of the unpacked layer.
      returned: always; null for a container's layer
      type: str
      sample: sha256:1e6072bdb46a801040613d0e8765a586131819ed98caa762dc7bfef03ae27b1f
    size:
      description: Bytes of the unpacked layer.
      returned: always; null for a container's layer, V(-1) where no tool counted
      type: int
      sample: 124080128
    toc_digest:
      description: Digest of the table of contents of a layer that was pulled in parts.
      returned: always; null where there is none
      type: str
      sample: null
    compression:
      description: How the blob was compressed; V(none), V(bzip2), V(gzip), V(xz) or V(zstd).
      returned: always; null for a layer that came from no blob
      type: str
      sample: gzip
    uids:
      description: The distinct owners in the layer.
      returned: always
      type: list
      elements: int
      sample: [0, 7]
    gids:
      description: The distinct groups in the layer.
      returned: always
      type: list
      elements: int
      sample: [0, 8]
    uid_map:
      description: Map by which the owners were shifted on the disk.
      returned: always
      type: list
      elements: dict
      sample: []
    gid_map:
      description: Map by which the groups were shifted on the disk.
      returned: always
      type: list
      elements: dict
      sample: []
    mount_label:
      description: SELinux label of a container's layer.
      returned: always
      type: str
      sample: ""
    big_data:
      description: Names of the data items of the record.
      returned: always
      type: list
      elements: str
      sample: []
    flags:
      description: Flags of the record.
      returned: always
      type: dict
      sample: {}
    incomplete:
      description: Whether the layer was being made or deleted when its process ended. The next change to the store removes it.
      returned: always
      type: bool
      sample: false
    mount_point:
      description: Where the layer is mounted.
      returned: always; null when it is not mounted
      type: str
      sample: null
    mount_count:
      description: How many mounts of the layer are held, over all tools.
      returned: always
      type: int
      sample: 0
    read_only:
      description: Whether the mount cannot be written to.
      returned: always; null when it is not mounted
      type: bool
      sample: null
    paths:
      description: Where the parts of the layer lie.
      returned: always
      type: dict
      contains:
        diff:
          description: Directory of the layer's content.
          returned: always; null where it is missing
          type: str
          sample: /var/lib/containers/storage/overlay/a3c3bfbfe562d97d6e05764010d97b03b63d62f5324ace4b493d67a44315144d/diff
        merged:
          description: Where the layer would be mounted.
          returned: always; null where it is missing
          type: str
          sample: /var/lib/containers/storage/overlay/a3c3bfbfe562d97d6e05764010d97b03b63d62f5324ace4b493d67a44315144d/merged
        tar_split:
          description: The headers and checksums by which the layer's tar is put together again.
          returned: always; null where there is none
          type: str
          sample: /var/lib/containers/storage/overlay-layers/a3c3bfbfe562d97d6e05764010d97b03b63d62f5324ace4b493d67a44315144d.tar-split.gz
    used_by:
      description: What would miss the layer.
      returned: always
      type: dict
      contains:
        images:
          description: IDs of the images that it is the top layer of.
          returned: always
          type: list
          elements: str
          sample: [6e30ab57aeeef1ebca8ac5a6ea05b5dd39d54990be94e7be18bb969a02d10a3f]
        containers:
          description: IDs of the containers whose writable layer it is.
          returned: always
          type: list
          elements: str
          sample: []
        children:
          description: IDs of the layers that are built on it, those of containers included.
          returned: always
          type: list
          elements: str
          sample: []
missing:
  description: The entries of O(name) that no layer answers to.
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
      sample: several layers match
    object:
      description: What it happened to; may be empty.
      returned: always
      type: str
      sample: a3c
    wanted:
      description: What was wanted; may be empty.
      returned: always
      type: str
      sample: ""
    found:
      description: What was found; may be empty.
      returned: always
      type: str
      sample: a3c3bfbfe562, a3c97d6e0576
steps:
  description: What was done to which object, in order.
  returned: when the verbosity is 3 or more
  type: list
  elements: dict
  sample: []
"""

from ansible_collections.strata.containers.plugins.module_utils._module.begin import run_module
from ansible_collections.strata.containers.plugins.module_utils._module.layer_info import OPTIONS, verb


def main() -> None:
    run_module(OPTIONS, verb)


if __name__ == "__main__":
    main()
