#!/usr/bin/python
# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: image_verify
short_description: Judge images by the signature policy without pulling them
description:
  - Tells whether a signature policy lets images in, and why, for images of the store or of a registry. Nothing is changed, and no blob is fetched.
  - >-
    No tool judges an image of the store again when a container is made of it, or when a pull finds it present. After a policy became
    stricter, or a key was revoked, this module tells which images would be let in today.
  - >-
    An image of the store is judged as if it came from the registry of its name, by its stored manifest and the signatures that were stored
    with it. An image that was pulled without its signatures has none. The policy's scopes of the transport C(docker) count, not those of
    C(containers-storage), which are about copies from the store to other places.
  - >-
    An image of a registry is judged as M(strata.containers.image_pull) judges it, mirrors and C(registries.d) included. Of a list that is
    the image for the platform.
author: Strata contributors (@strata-containers)
extends_documentation_fragment:
  - strata.containers._attributes.info
  - strata.containers._store
  - strata.containers._registry
  - strata.containers._policy
options:
  name:
    description:
      - Names of the images, one or a list.
      - >-
        The policy judges the name given here, with its tag or digest. For an image of the store a short name is looked up as podman does;
        an image ID alone is no name, and fails.
      - For an image of a registry, a name without a host is one of C(docker.io).
    type: list
    elements: str
    required: true
  source:
    description: Where the images are.
    type: str
    choices:
      store: In the store. No registry is asked.
      registry: In their registries. The store is not looked at.
    default: store
  platform:
    description:
      - Platform of the image as C(os/architecture[/variant]), for lists in registries. When unset, that of the target.
    type: str
  fail_on_refusal:
    description:
      - Whether the task fails for an image that the policy refuses. With V(false) the result tells.
      - An image that cannot be judged (it is not there, or its signatures cannot be read) always fails the task.
    type: bool
    default: true
seealso:
  - module: strata.containers.image_pull
  - module: strata.containers.registry_image_info
"""

EXAMPLES = r"""
---
- name: Stop before the service is restarted on an image that is no longer trusted
  strata.containers.image_verify:
    name: registry.example.com/team/app:2.0

- name: Find out which images a new policy would refuse
  strata.containers.image_verify:
    name: "{{ app_images }}"
    signature_policy: /etc/containers/policy.json.new
    fail_on_refusal: false
  register: verdicts

- name: Name them
  ansible.builtin.debug:
    msg: "{{ verdicts.images | rejectattr('accepted') | map(attribute='reason') }}"

- name: See who signed an image before it is pulled
  strata.containers.image_verify:
    name: registry.example.com/team/app:2.0
    source: registry
    require_signed: true
"""

RETURN = r"""
---
accepted:
  description: Whether all images are accepted.
  returned: unless the policy cannot be used
  type: bool
  sample: true
images:
  description: The images in the order asked.
  returned: unless the policy cannot be used
  type: list
  elements: dict
  contains:
    name:
      description: The full name that was judged; as it was asked for where the image could not be judged.
      returned: always
      type: str
      sample: registry.example.com/team/app:2.0
    accepted:
      description: Whether the policy lets the image in.
      returned: always
      type: bool
      sample: true
    code:
      description: V(accepted), or a stable word for the reason of the refusal or error.
      returned: always
      type: str
      sample: accepted
    reason:
      description: The same in a sentence.
      returned: always
      type: str
      sample: signed by OpenPGP key 7CD878F0FD01B37084B6598A6E6D189A1BAA99A9
    policy:
      description: The file of the policy.
      returned: always
      type: str
      sample: /etc/containers/policy.json
    scope:
      description: The place in the policy of the list that applied; null where none was looked at.
      returned: always
      type: str
      sample: transports.docker["registry.example.com/team"]
    requirement:
      description: The type of the requirement that decided; null where none did.
      returned: always
      type: str
      sample: signedBy
    verified:
      description: Each requirement that verified a signature, with who made it.
      returned: always
      type: list
      elements: dict
      contains:
        requirement:
          description: The type of the requirement.
          returned: always
          type: str
          sample: signedBy
        signer:
          description: The key or certificate, as text.
          returned: always
          type: str
          sample: OpenPGP key 7CD878F0FD01B37084B6598A6E6D189A1BAA99A9
    steps:
      description: What was done to come to the verdict, in order.
      returned: always
      type: list
      elements: str
      sample: ['1: the list of default applies']
    digest:
      description: Digest of the manifest that was judged; null where the name alone decided, and where the image could not be judged.
      returned: always
      type: str
      sample: sha256:1e6072bdb46a801040613d0e8765a586131819ed98caa762dc7bfef03ae27b1f
    source:
      description: The endpoint that was asked; null for an image of the store.
      returned: always
      type: str
      sample: registry.example.com/team/app
    error:
      description: As RV(error), for this image; null where it is accepted, and where a refusal is no failure.
      returned: always
      type: dict
      sample: null
image:
  description: The entry of RV(images) when one image was asked for.
  returned: when O(name) has one entry
  type: dict
  sample: {name: 'registry.example.com/team/app:2.0', accepted: true}
error:
  description: What went wrong, as data. Playbooks may rely on C(code).
  returned: failure
  type: dict
  contains:
    code:
      description: Stable word for the kind of error.
      returned: always
      type: str
      sample: policy_refused
    message:
      description: One sentence.
      returned: always
      type: str
      sample: >-
        the policy rejects registry.example.com/team/app:2.0 [reject of default in /etc/containers/policy.json]
    object:
      description: What it happened to; may be empty. Where several images failed, that of the first, and the message names all.
      returned: always
      type: str
      sample: registry.example.com/team/app:2.0
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
  sample: [{action: judged, object: 'registry.example.com/team/app:2.0', accepted: true}]
"""

from ansible_collections.strata.containers.plugins.module_utils._module.begin import run_module
from ansible_collections.strata.containers.plugins.module_utils._module.image_verify import CONSTRAINTS, OPTIONS, verb


def main() -> None:
    run_module(OPTIONS, verb, **CONSTRAINTS)


if __name__ == "__main__":
    main()
