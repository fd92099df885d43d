#!/usr/bin/python
# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: store_info
short_description: Tell where a container store is and what is in it
description:
  - Returns the places, driver, options, state and size of the store that podman, buildah, CRI-O and this collection share.
  - Reads only and leaves no trace. A store that does not exist yet has counts of zero.
author: Strata contributors (@strata-containers)
extends_documentation_fragment:
  - strata.containers._attributes.info
  - strata.containers._store
"""

EXAMPLES = r"""
---
- name: Look at the store of the host
  strata.containers.store_info:
  register: result

- name: Show how many images it has
  ansible.builtin.debug:
    msg: "{{ result.store.counts.images }} images in {{ result.store.root }}"
"""

RETURN = r"""
---
store:
  description: The store.
  returned: success
  type: dict
  contains:
    root:
      description: Graph root.
      returned: always
      type: str
      sample: /var/lib/containers/storage
    run_root:
      description: Run root.
      returned: always
      type: str
      sample: /run/containers/storage
    driver:
      description: Storage driver.
      returned: always
      type: str
      sample: overlay
    options:
      description: Driver options in force.
      returned: always
      type: list
      elements: str
      sample: [overlay.mountopt=nodev]
    configuration:
      description: The file that the settings come from.
      returned: always
      type: str
      sample: /etc/containers/storage.conf
    rootless:
      description: Whether the store is that of a user other than root.
      returned: always
      type: bool
      sample: false
    status:
      description: What the driver says of itself, in the words of C(podman info); nothing for V(vfs) and V(btrfs).
      returned: always
      type: dict
      sample: {Backing Filesystem: extfs, Supports d_type: "true", Native Overlay Diff: "true", Using metacopy: "false"}
    counts:
      description: Numbers of C(images), C(layers), C(containers) and C(mounted_layers).
      returned: always
      type: dict
      sample: {images: 1, layers: 3, containers: 0, mounted_layers: 0}
    sizes:
      description: >-
        Bytes of C(layers) (unpacked), of C(compressed_layers), and of C(image_data) (manifests and configs), by the records; shared layers
        count once.
      returned: always
      type: dict
      sample: {layers: 124083200, compressed_layers: 51380224, image_data: 9216}
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
  sample: []
"""

from ansible_collections.strata.containers.plugins.module_utils._module.begin import run_module
from ansible_collections.strata.containers.plugins.module_utils._module.store_info import OPTIONS, verb


def main() -> None:
    run_module(OPTIONS, verb)


if __name__ == "__main__":
    main()
