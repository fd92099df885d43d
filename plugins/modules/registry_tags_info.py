#!/usr/bin/python
# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: registry_tags_info
short_description: List the tags of a repository in a registry
description:
  - Asks a registry for all tags of one repository, page by page where the registry sends pages.
  - Needs no store and no engine on the target.
author: Strata contributors (@strata-containers)
extends_documentation_fragment:
  - strata.containers._attributes.info
  - strata.containers._registry
options:
  name:
    description:
      - Name of the repository. C(docker://) may stand before it. A name without a host is one of C(docker.io).
      - A tag or digest in the name is an error.
    type: str
    required: true
notes:
  - >-
    The registry that O(name) names is asked itself. The mirrors and the rewriting of C(registries.conf) do not apply to tags, as in
    C(skopeo list-tags). A registry that C(registries.conf) blocks is not asked.
seealso:
  - module: strata.containers.registry_image_info
"""

EXAMPLES = r"""
---
- name: List the tags of a repository
  strata.containers.registry_tags_info:
    name: registry.example.com/team/app
  register: app

- name: Stop where a release is missing
  ansible.builtin.assert:
    that: "'2.0' in app.tags"
"""

RETURN = r"""
---
repository:
  description: Full name of the repository.
  returned: success
  type: str
  sample: registry.example.com/team/app
tags:
  description: The tags, in the order in which the registry lists them. What some registries list besides, empty names and digests, is left out.
  returned: success
  type: list
  elements: str
  sample: ["1.0", "2.0", latest]
source:
  description: The repository that was asked.
  returned: success
  type: str
  sample: registry.example.com/team/app
credentials:
  description: >-
    The file or helper that gave the credentials, or V(the options of the task); null where there were none. It does not say whether the
    registry looked at them.
  returned: success
  type: str
  sample: /run/containers/0/auth.json
error:
  description: What went wrong, as data. Playbooks may rely on C(code).
  returned: failure
  type: dict
  contains:
    code:
      description: >-
        Stable word for the kind of error. V(name_unknown) is that for a repository that does not exist; some registries answer
        V(unauthorized) or V(denied) instead.
      returned: always
      type: str
      sample: name_unknown
    message:
      description: One sentence.
      returned: always
      type: str
      sample: "name unknown: repository name not known to registry"
    object:
      description: What it happened to; may be empty.
      returned: always
      type: str
      sample: registry.example.com/team/app
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
    status:
      description: HTTP status of the registry's answer; null where there was none.
      returned: when the registry was in the way
      type: int
      sample: 404
steps:
  description: What was done to which object, in order.
  returned: when the verbosity is 3 or more
  type: list
  elements: dict
  sample: [{action: listed, object: registry.example.com/team/app, tags: 3}]
"""

from ansible_collections.strata.containers.plugins.module_utils._module.begin import run_module
from ansible_collections.strata.containers.plugins.module_utils._module.registry_tags_info import (
    CONSTRAINTS,
    OPTIONS,
    verb,
)


def main() -> None:
    run_module(OPTIONS, verb, **CONSTRAINTS)


if __name__ == "__main__":
    main()
