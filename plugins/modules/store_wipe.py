#!/usr/bin/python
# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: store_wipe
short_description: Delete everything that is in a container store
description:
  - Deletes all containers, images and layers of the store that podman, buildah, CRI-O and this collection share, with their data and
    whatever lies there without a record. What is left is an empty store that all tools can use at once.
  - Does what C(podman system reset) does to the store. The rest of Podman's state stays, such as its volumes, networks and secrets, and its
    own list of containers, from which C(podman rm) takes those that are gone.
  - A graph root that is missing or empty is left as it is.
author: Strata contributors (@strata-containers)
extends_documentation_fragment:
  - strata.containers._attributes
  - strata.containers._store
options:
  confirm:
    description: The path of the store's graph root, as a sign that this store is meant. Any other path is an error.
    type: path
    required: true
  force:
    description:
      - Also wipe a store in which other tools have mounted something, as they do for containers that run. It is unmounted under their hands.
      - Also wipe a store with a record file that cannot be read.
      - Without it both are errors, and nothing is deleted. What this collection mounted is unmounted in any case.
    type: bool
    default: false
notes:
  - A user other than root works on stores of that user, as rootless podman does; it takes subordinate IDs. See C(docs/rootless.md).
seealso:
  - module: strata.containers.image_prune
  - module: strata.containers.store_check
"""

EXAMPLES = r"""
---
- name: Empty the store of the host
  strata.containers.store_wipe:
    confirm: /var/lib/containers/storage

- name: Empty a store of its own, whatever is mounted
  strata.containers.store_wipe:
    root: /srv/builds/root
    runroot: /run/builds
    confirm: /srv/builds/root
    force: true
"""

RETURN = r"""
---
deleted:
  description: Numbers of C(containers), C(images) and C(layers) that were deleted, by the records of the store.
  returned: success
  type: dict
  sample: {containers: 2, images: 5, layers: 14}
space_reclaimed:
  description: Bytes of the unpacked layers and of the image data that were deleted, by the records of the store.
  returned: success
  type: int
  sample: 124083200
error:
  description: What went wrong, as data. Playbooks may rely on C(code).
  returned: failure
  type: dict
  contains:
    code:
      description: Stable word for the kind of error.
      returned: always
      type: str
      sample: wrong_confirmation
    message:
      description: One sentence.
      returned: always
      type: str
      sample: the confirmation names another directory than the graph root
    object:
      description: What it happened to; may be empty.
      returned: always
      type: str
      sample: /var/lib/containers/storage
    wanted:
      description: What was wanted; may be empty.
      returned: always
      type: str
      sample: /var/lib/containers/storage
    found:
      description: What was found; may be empty.
      returned: always
      type: str
      sample: /var/lib/containers
steps:
  description: What was done to which object, in order.
  returned: when the verbosity is 3 or more
  type: list
  elements: dict
  sample: [{action: wiped, object: /var/lib/containers/storage, containers: 2, images: 5, layers: 14, remains: 0}]
"""

from ansible_collections.strata.containers.plugins.module_utils._module.begin import run_module
from ansible_collections.strata.containers.plugins.module_utils._module.store_wipe import OPTIONS, verb


def main() -> None:
    run_module(OPTIONS, verb)


if __name__ == "__main__":
    main()
