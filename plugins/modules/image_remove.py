#!/usr/bin/python
# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: image_remove
short_description: Take names from images of a container store, and delete images
description:
  - Removes images by the rules of C(podman rmi). A name is taken away; with its last name an image is deleted, together with the
    layers that nothing else uses.
  - Images without a name that a deleted image was built on, the steps of a build, go with it as soon as nothing else was built on them.
  - An image of an additional image store is an error; nothing is written there.
  - What is not in the store is no error. When one of the images has to stay, nothing is done for the others either.
author: Strata contributors (@strata-containers)
extends_documentation_fragment:
  - strata.containers._attributes
  - strata.containers._store
attributes:
  idempotent:
    support: partial
    details:
      - As with C(podman rmi), a name without a registry, or with a digest, stands for whatever image of the store it leads to. Where another
        name or image fits when the first is gone, a second run takes that one. Names with registry and tag, and IDs, have one meaning.
options:
  name:
    description:
      - Images to remove, each by name, ID, unique prefix of an ID, or digest.
      - An image that has several names is not deleted by its ID or digest, unless O(force) is set.
    type: list
    elements: str
    required: true
  force:
    description:
      - Delete an image with several names by its ID or digest.
      - Delete the containers that are made from an image that is to be deleted. A mounted container, as each is that runs, is an
        error nevertheless, because no process is stopped here.
      - Unmount an image that is mounted as such, whoever mounted it. Without O(force) that is an error, where C(podman rmi) unmounts it.
        A mount by another tool is that of the last image with this topmost layer.
    type: bool
    default: false
notes:
  - A user other than root works on stores of that user, as rootless podman does; it takes subordinate IDs. See C(docs/rootless.md).
  - Podman lists a container of its own after its deletion until C(podman rm) is told about it.
seealso:
  - module: strata.containers.image_prune
  - module: strata.containers.image_tag
"""

EXAMPLES = r"""
---
- name: No old release any more
  strata.containers.image_remove:
    name:
      - registry.example.com/team/app:1.4.1
      - registry.example.com/team/app:1.4.0

- name: Delete an image with all its names and the containers made from it
  strata.containers.image_remove:
    name: 6e30ab57aeee
    force: true
"""

RETURN = r"""
---
deleted:
  description: IDs of the images that were deleted, those without a name that they were built on included.
  returned: success
  type: list
  elements: str
  sample: [6e30ab57aeeef1ebca8ac5a6ea05b5dd39d54990be94e7be18bb969a02d10a3f]
untagged:
  description: Names that were taken away, those of deleted images included.
  returned: success
  type: list
  elements: str
  sample: ["registry.example.com/team/app:1.4.1"]
containers:
  description: IDs of the containers that were deleted because of O(force).
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
      sample: image_in_use
    message:
      description: One sentence.
      returned: always
      type: str
      sample: containers are made from the image
    object:
      description: What it happened to; may be empty.
      returned: always
      type: str
      sample: registry.example.com/team/app:1.4.1
    wanted:
      description: What was wanted; may be empty.
      returned: always
      type: str
      sample: ""
    found:
      description: What was found; may be empty.
      returned: always
      type: str
      sample: container web 2d2b0e7a3c9f
steps:
  description: What was done to which object, in order.
  returned: when the verbosity is 3 or more
  type: list
  elements: dict
  sample: [{action: deleted, object: 6e30ab57aeee, kind: image, layers: 2}]
"""

from ansible_collections.strata.containers.plugins.module_utils._module.begin import run_module
from ansible_collections.strata.containers.plugins.module_utils._module.image_remove import OPTIONS, verb


def main() -> None:
    run_module(OPTIONS, verb)


if __name__ == "__main__":
    main()
