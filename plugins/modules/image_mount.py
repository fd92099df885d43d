#!/usr/bin/python
# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: image_mount
short_description: Mount and unmount images of a container store
description:
  - Mounts the files of an image read-only, as C(podman image mount) does, so that other tasks can read them without a container.
  - >-
    Mounts are counted over all tools. V(mounted) holds exactly one count of its own; V(unmounted) gives that one back, and the mount stays
    as long as podman or another tool holds one.
  - Images with the same topmost layer share one mount, and its counts.
  - An image of an additional image store is an error, as with podman 4.3. Containers of it can be mounted.
author: Strata contributors (@strata-containers)
extends_documentation_fragment:
  - strata.containers._attributes
  - strata.containers._store
options:
  name:
    description:
      - Image, by name, ID, unique prefix of an ID, or digest.
      - An unknown image is an error for O(state=mounted), and unmounted already for O(state=unmounted). Nothing is pulled.
    type: str
    required: true
  state:
    description: Whether this collection shall hold a mount of the image.
    type: str
    choices: [mounted, unmounted]
    default: mounted
  force:
    description: With O(state=unmounted), take away the mounts of all tools.
    type: bool
    default: false
notes:
  - A user other than root works on stores of that user, as rootless podman does; it takes subordinate IDs. See C(docs/rootless.md).
  - What such a user mounts no process sees but those of C(podman unshare) and of the command in RV(enter).
  - As with podman, the mount options of C(storage.conf) are those of containers; the mount of an image does not have them.
  - As with podman, nothing keeps root from writing into the mount of an image of the drivers V(vfs) and V(btrfs), which is the
    directory of its layer.
seealso:
  - module: strata.containers.container_mount
  - module: strata.containers.image_pull
"""

EXAMPLES = r"""
---
- name: Reach the files of the image
  strata.containers.image_mount:
    name: registry.example.com/base/debian:12
  register: mounted

- name: Read one of them
  ansible.builtin.slurp:
    src: "{{ mounted.mount_point }}/etc/os-release"

- name: Done with it
  strata.containers.image_mount:
    name: registry.example.com/base/debian:12
    state: unmounted
"""

RETURN = r"""
---
mount_point:
  description: Where the files of the image are mounted; null when they are not.
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
image:
  description: The image; null for one that is unknown.
  returned: success
  type: dict
  contains:
    id:
      description: Image ID, the digest of the image's config without C(sha256:).
      returned: always; null where the store does not know
      type: str
      sample: 6e30ab57aeeef1ebca8ac5a6ea05b5dd39d54990be94e7be18bb969a02d10a3f
    names:
      description: Full names of the image.
      returned: always
      type: list
      elements: str
      sample: [registry.example.com/base/debian:12]
    digest:
      description: Manifest digest of the record; that of the list when the image was chosen from one.
      returned: always; null where the store does not know
      type: str
      sample: sha256:1e6072bdb46a801040613d0e8765a586131819ed98caa762dc7bfef03ae27b1f
    digests:
      description: Every manifest digest under which the image can be found.
      returned: always
      type: list
      elements: str
      sample: [sha256:1e6072bdb46a801040613d0e8765a586131819ed98caa762dc7bfef03ae27b1f]
    top_layer:
      description: ID of the topmost layer.
      returned: always; null where the store does not know
      type: str
      sample: a3c3bfbfe562d97d6e05764010d97b03b63d62f5324ace4b493d67a44315144d
    read_only:
      description: Whether the image lies in an additional image store, where nothing can change it.
      returned: always
      type: bool
      sample: false
    size:
      description: Bytes of the unpacked layers and of the image's data, as C(podman image inspect) counts them.
      returned: always; null where the store does not know
      type: int
      sample: 124083200
    created:
      description: When the image was made, as its config says.
      returned: always; null where the store does not know
      type: str
      sample: "2026-11-03T10:31:07Z"
    platform:
      description: C(os/architecture[/variant]) of the image.
      returned: always; null where the store does not know
      type: str
      sample: linux/amd64
    layers:
      description: The layers, base first.
      returned: always
      type: list
      elements: dict
      contains:
        digest:
          description: Digest of the layer as the registry has it.
          returned: always
          type: str
          sample: sha256:6801b99a1fb8f0b3e0a5a3f2f8ac9ee04e5cd1c9b0cf1d3f4c0b86f4a8e1e7b0
        diff_id:
          description: Digest of the unpacked layer.
          returned: always
          type: str
          sample: sha256:1e6072bdb46a801040613d0e8765a586131819ed98caa762dc7bfef03ae27b1f
        id:
          description: Layer ID in the store.
          returned: always
          type: str
          sample: a3c3bfbfe562d97d6e05764010d97b03b63d62f5324ace4b493d67a44315144d
        compressed_size:
          description: Bytes of the layer as the registry has it.
          returned: always
          type: int
          sample: 49580032
        size:
          description: Bytes of the unpacked layer.
          returned: always
          type: int
          sample: 124080128
        path:
          description: Directory of the layer's content.
          returned: always
          type: str
          sample: /var/lib/containers/storage/overlay/a3c3bfbfe562d97d6e05764010d97b03b63d62f5324ace4b493d67a44315144d/diff
        action:
          description: V(keep) for a layer that is in the store, which is every layer here.
          returned: always
          type: str
          sample: keep
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
      sample: no such image in the store
    object:
      description: What it happened to; may be empty.
      returned: always
      type: str
      sample: registry.example.com/base/debian:12
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
  sample: [{action: mounted, object: 6e30ab57aeee}]
"""

from ansible_collections.strata.containers.plugins.module_utils._module.begin import run_module
from ansible_collections.strata.containers.plugins.module_utils._module.image_mount import OPTIONS, verb


def main() -> None:
    run_module(OPTIONS, verb)


if __name__ == "__main__":
    main()
