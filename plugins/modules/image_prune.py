#!/usr/bin/python
# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: image_prune
short_description: Delete the images of a container store that nothing uses
description:
  - Deletes images without a name that nothing was built on, or with O(all) every image that no container is made from, together
    with the layers that nothing else uses. The rules are those of C(podman image prune).
  - What is mounted stays. Where several images have the topmost layer that another tool mounted, the last of them stays, as nobody can
    tell which one was meant. A container keeps its image, whichever tool made it and whether it runs or not.
  - Images without a name that a deleted image was built on, the steps of a build, go with it as soon as nothing else was built on them,
    whatever the filters say of them.
author: Strata contributors (@strata-containers)
extends_documentation_fragment:
  - strata.containers._attributes
  - strata.containers._store
options:
  all:
    description: Delete images with a name too, not only those without.
    type: bool
    default: false
  filters:
    description: Only images that pass all of these filters are deleted.
    type: dict
    suboptions:
      label:
        description:
          - Labels that the image must have, each as V(key) or V(key=value). In a key V(*) stands for anything.
          - With several labels it must have all of them, as in Podman from version 5; older versions want one of them.
        type: list
        elements: str
      until:
        description:
          - The image must have been made before this time, as its config says.
          - A duration before now such as V(240h), V(1h30m) or V(10d), an RFC 3339 time, a date or time in the time zone of the target
            such as V(2026-11-28) or V(2026-11-28T10:30), or seconds since the epoch.
        type: str
  keep:
    description:
      - Shell patterns of names. An image with a name that matches one of them stays.
      - A name is compared in full, without its registry, and without any directory, each with and without its tag, so that
        V(registry.example.com/base/*), V(base/debian), V(debian:12) and V(*:stable) all do what they seem to. V(*) stands for slashes too.
    type: list
    elements: str
    default: []
notes:
  - A user other than root works on stores of that user, as rootless podman does; it takes subordinate IDs. See C(docs/rootless.md).
  - In a play that runs for several hosts, O(filters.until) as a duration means another moment on each.
seealso:
  - module: strata.containers.image_remove
"""

EXAMPLES = r"""
---
- name: Delete what moved tags left behind
  strata.containers.image_prune:
  register: pruned

- name: Show how much that was
  ansible.builtin.debug:
    msg: "{{ pruned.space_reclaimed | human_readable }}"

- name: Delete everything that is older than ten days and not in use, except the base images
  strata.containers.image_prune:
    all: true
    filters:
      until: 10d
    keep:
      - registry.example.com/base/*

- name: Delete the images of a finished test run
  strata.containers.image_prune:
    all: true
    filters:
      label: [com.example.stage=test]
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
space_reclaimed:
  description:
    - Bytes of the unpacked layers and of the image data that were deleted, by the records of the store.
    - Each layer counts once, where C(podman image prune) counts it for each image.
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
      sample: invalid_filter
    message:
      description: One sentence.
      returned: always
      type: str
      sample: this is no time
    object:
      description: What it happened to; may be empty.
      returned: always
      type: str
      sample: until
    wanted:
      description: What was wanted; may be empty.
      returned: always
      type: str
      sample: ""
    found:
      description: What was found; may be empty.
      returned: always
      type: str
      sample: yesterday
steps:
  description: What was done to which object, in order.
  returned: when the verbosity is 3 or more
  type: list
  elements: dict
  sample: [{action: deleted, object: 6e30ab57aeee, kind: image, layers: 2}]
"""

from ansible_collections.strata.containers.plugins.module_utils._module.begin import run_module
from ansible_collections.strata.containers.plugins.module_utils._module.image_prune import OPTIONS, verb


def main() -> None:
    run_module(OPTIONS, verb)


if __name__ == "__main__":
    main()
