#!/usr/bin/python
# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: image_tag
short_description: Give an image of a container store further names
description:
  - Gives names to an image that is in the store, as C(podman tag) does. Names that it has already stay.
  - A name belongs to one image at a time. An image that loses its last name stays in the store without one.
author: Strata contributors (@strata-containers)
extends_documentation_fragment:
  - strata.containers._attributes
  - strata.containers._store
options:
  name:
    description: Image to name, by name, ID, unique prefix of an ID, or digest.
    type: str
    required: true
  target_names:
    description:
      - Names to give, without a tag with the tag C(latest), without a registry below C(localhost/).
      - A name with a digest, and an image ID, are errors.
    type: list
    elements: str
    required: true
  existing:
    description: What becomes of a name that another image has.
    type: str
    choices:
      move: It is taken away from the other image.
      keep: The other image keeps it.
      fail: It is an error, and no name is given.
    default: move
notes:
  - A user other than root works on stores of that user, as rootless podman does; it takes subordinate IDs. See C(docs/rootless.md).
seealso:
  - module: strata.containers.image_remove
"""

EXAMPLES = r"""
---
- name: Name an image for the release
  strata.containers.image_tag:
    name: registry.example.com/team/app:1.4.2
    target_names:
      - registry.example.com/team/app:stable
      - app

- name: The same, unless some image has the name already
  strata.containers.image_tag:
    name: registry.example.com/team/app:1.4.2
    target_names: registry.example.com/team/app:first
    existing: keep
"""

RETURN = r"""
---
image:
  description: The image, with all its names.
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
      sample: name_taken
    message:
      description: One sentence.
      returned: always
      type: str
      sample: another image has this name
    object:
      description: What it happened to; may be empty.
      returned: always
      type: str
      sample: registry.example.com/team/app:stable
    wanted:
      description: What was wanted; may be empty.
      returned: always
      type: str
      sample: ""
    found:
      description: What was found; may be empty.
      returned: always
      type: str
      sample: 6e30ab57aeeef1ebca8ac5a6ea05b5dd39d54990be94e7be18bb969a02d10a3f
steps:
  description: What was done to which object, in order.
  returned: when the verbosity is 3 or more
  type: list
  elements: dict
  sample: [{action: tagged, object: 6e30ab57aeee, name: "localhost/app:latest"}]
"""

from ansible_collections.strata.containers.plugins.module_utils._module.begin import run_module
from ansible_collections.strata.containers.plugins.module_utils._module.image_tag import OPTIONS, verb


def main() -> None:
    run_module(OPTIONS, verb)


if __name__ == "__main__":
    main()
