#!/usr/bin/python
# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: trust_policy
short_description: Change what a policy.json requires of images
description:
  - >-
    Adds, changes or removes the requirements for one scope of a signature policy, or changes its default. podman, buildah, skopeo,
    CRI-O and the modules of this collection read the file.
  - >-
    The whole file is checked before and after, by the parser that M(strata.containers.image_pull) uses. A file that it does not take is
    an error, and so is a change that would make it one; the file stays as it is then.
  - All else in the file keeps its meaning and its order. It is written in one step, and only where something differs.
  - Needs no engine or command-line tool on the target.
author: Strata contributors (@strata-containers)
extends_documentation_fragment:
  - strata.containers._attributes
options:
  path:
    description:
      - The policy file to change.
      - >-
        When unset, C(~/.config/containers/policy.json) of the user who runs the module where it exists, for root too, else
        C(/etc/containers/policy.json). These are the places where podman looks.
      - >-
        A file that was there keeps its owner and mode, and a link to it stays. A file that is missing is made with mode C(0644) where
        O(default) is given, with the directories that it needs; otherwise it is an error, because every policy has a default.
    type: path
    aliases: [signature_policy]
  transport:
    description:
      - The transport that O(scope) belongs to, such as V(docker) for registries, V(dir), V(oci) or V(containers-storage).
    type: str
    default: docker
  scope:
    description:
      - >-
        Which images the requirements are for. With registries that is a registry (C(registry.example.com), with its port if it has one), a
        namespace, a repository, an image with tag or digest, or C(*.example.com) for all hosts of a domain. The scope that says most
        about an image applies alone; scopes are never merged.
      - An empty scope is for all images of the transport.
      - A scope that can never apply, such as a name without its registry, is taken as the other tools take it, with a warning.
    type: str
  requirements:
    description:
      - >-
        The requirements for O(scope), all of which an image has to meet. Each is an object with the keys that containers-policy.json(5) has,
        spelt as there. Needed with O(scope) and O(state=present).
      - They replace those that were there.
    type: list
    elements: dict
  default:
    description:
      - The requirements for images that no scope speaks of. They replace those that were there.
      - May be given alone, or with O(scope) to change both in one step.
    type: list
    elements: dict
  state:
    description: Whether the policy shall speak of O(scope).
    type: str
    choices:
      present: It has these O(requirements) for O(scope).
      absent: It has none for it, so that what is less specific applies. The default cannot be taken away.
    default: present
notes:
  - Keys are read when a signature is verified, not by this module. The role P(strata.containers.host_config#role) installs them.
seealso:
  - module: strata.containers.image_pull
  - module: strata.containers.image_verify
"""

EXAMPLES = r"""
---
- name: Take images of one registry only where they are signed by this key
  strata.containers.trust_policy:
    scope: registry.example.com
    requirements:
      - type: signedBy
        keyType: GPGKeys
        keyPath: /etc/pki/containers/example.gpg

- name: Refuse what no scope speaks of, and make the file where there is none
  strata.containers.trust_policy:
    default:
      - type: reject

- name: Trust a mirror by the names of the vendor
  strata.containers.trust_policy:
    scope: mirror.example.com/vendor
    requirements:
      - type: sigstoreSigned
        keyPath: /etc/pki/containers/vendor.pub
        signedIdentity:
          type: remapIdentity
          prefix: mirror.example.com/vendor
          signedPrefix: vendor.example.org

- name: Have no rule of its own for a repository
  strata.containers.trust_policy:
    scope: registry.example.com/team/app
    state: absent

- name: Change the policy of another user
  strata.containers.trust_policy:
    path: ~/.config/containers/policy.json
    default:
      - type: reject
    scope: registry.example.com
    requirements:
      - type: insecureAcceptAnything
  become: true
  become_user: deploy
"""

RETURN = r"""
---
policy_file:
  description: The file that was looked at.
  returned: success
  type: str
  sample: /etc/containers/policy.json
policy:
  description: The whole policy as it is now, or would be in check mode; null where there is no file and none is needed.
  returned: success
  type: dict
  sample:
    default: [{type: reject}]
    transports:
      docker:
        registry.example.com: [{type: signedBy, keyType: GPGKeys, keyPath: /etc/pki/containers/example.gpg}]
error:
  description: What went wrong, as data. Playbooks may rely on C(code).
  returned: failure
  type: dict
  contains:
    code:
      description: >-
        Stable word for the kind of error. V(invalid_policy) for a file that is malformed, V(invalid_requirement) for a change that would
        make it so, V(no_policy) for a file that is missing and cannot be made without O(default).
      returned: always
      type: str
      sample: invalid_requirement
    message:
      description: One sentence.
      returned: always
      type: str
      sample: 'unknown key "keypath"'
    object:
      description: The file and the place in it; may be empty.
      returned: always
      type: str
      sample: '/etc/containers/policy.json: transports.docker["registry.example.com"][0]'
    wanted:
      description: What was wanted; may be empty.
      returned: always
      type: str
      sample: type, keyType, keyPath, keyPaths, keyData, signedIdentity
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
  sample: [{action: wrote, object: /etc/containers/policy.json}]
"""

from ansible_collections.strata.containers.plugins.module_utils._module.begin import run_module
from ansible_collections.strata.containers.plugins.module_utils._module.trust_policy import CONSTRAINTS, OPTIONS, verb


def main() -> None:
    run_module(OPTIONS, verb, **CONSTRAINTS)


if __name__ == "__main__":
    main()
