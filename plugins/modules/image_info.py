#!/usr/bin/python
# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: image_info
short_description: List the images of a container store
description:
  - Returns the images that podman, buildah, CRI-O or this collection keep in a store.
  - Images of additional image stores, those of C(additionalimagestores) in C(storage.conf), are listed behind the others, with C(read_only).
  - Reads only, under the shared locks of the store, and leaves no trace. A store that does not exist is an empty one.
author: Strata contributors (@strata-containers)
extends_documentation_fragment:
  - strata.containers._attributes.info
  - strata.containers._store
options:
  name:
    description:
      - Images to look for, each by name, ID, unique prefix of an ID, or digest.
      - >-
        A name without a registry is looked for as podman does, with the aliases and search registries of C(registries.conf): the alias,
        C(localhost), each search registry, docker.io, and at last any name that ends in it.
      - When unset, all images, those without a name included.
    type: list
    elements: str
  gather:
    description: What to add to each image.
    type: list
    elements: str
    choices:
      config: The runtime configuration (C(Cmd), C(Env), C(Labels) and so on).
      history: The history of the config.
      manifest: The manifest.
    default: []
"""

EXAMPLES = r"""
---
- name: List all images
  strata.containers.image_info:
  register: store

- name: Look at one image, its entry point and its environment
  strata.containers.image_info:
    name: registry.example.com/base/debian:12
    gather: [config]
  register: debian

- name: Stop where an image is missing
  ansible.builtin.assert:
    that: debian.missing | length == 0
"""

RETURN = r"""
---
images:
  description: The images that were found, in the order asked.
  returned: success
  type: list
  elements: dict
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
          description: Bytes of the layer as the registry has it; null where nothing tells (schema 1).
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
    config:
      description: The runtime configuration; null where the store has no config.
      returned: when O(gather) has V(config)
      type: dict
      sample: {Cmd: [/bin/bash]}
    history:
      description: How the image was made, as its config tells; null where the store has no config.
      returned: when O(gather) has V(history)
      type: list
      elements: dict
      sample: [{created_by: "COPY rootfs /"}]
    manifest:
      description: The manifest; null where the store has none.
      returned: when O(gather) has V(manifest)
      type: dict
      sample: {schemaVersion: 2}
missing:
  description: The entries of O(name) that no image answers to.
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
      sample: several images answer to this prefix
    object:
      description: What it happened to; may be empty.
      returned: always
      type: str
      sample: 6e3
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
from ansible_collections.strata.containers.plugins.module_utils._module.image_info import OPTIONS, verb


def main() -> None:
    run_module(OPTIONS, verb)


if __name__ == "__main__":
    main()
