#!/usr/bin/python
# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: registry_login
short_description: Log in to a container registry and out of it
description:
  - >-
    Asks the registry whether it takes a user name and password, and keeps them where podman, buildah, skopeo and the modules of this
    collection look for credentials.
  - The registry is asked at every run, in check mode too, so that a wrong password is an error before anything is written.
  - Needs no engine or command-line tool on the target.
author: Strata contributors (@strata-containers)
extends_documentation_fragment:
  - strata.containers._attributes
  - strata.containers._registry
options:
  registry:
    description:
      - Registry as C(host[:port]), without a scheme. Needed except with O(all=true).
      - >-
        With C(/namespace) behind it the login is for repositories below that namespace only. Files of docker (C(config.json)) and
        credential helpers have no such logins.
    type: str
    aliases: [registry_url, url]
  state:
    description: Whether the login shall be there.
    type: str
    choices:
      present: Ask the registry, and keep user name and password if it takes them. Needs O(username) and O(password).
      absent: Forget them. The registry is not asked. Logins for namespaces of O(registry) stay.
    default: present
  all:
    description:
      - With O(state=absent), forget the logins for all registries. Goes without O(registry).
      - The choice of helpers for registries (C(credHelpers)) stays in the file.
    type: bool
    default: false
  username:
    description: User name for the registry. Goes with O(password).
    type: str
  password:
    description:
      - Password or access token for O(username).
      - It is handed to the registry, and to the file or helper that keeps it. It is no part of any result.
    type: str
  authfile:
    description:
      - >-
        File to keep the login in. It is made when it is missing, with directories that only the owner may enter. It always ends with mode
        C(0600), and whatever else is in it stays.
      - A file named C(config.json) is docker's, with its spelling of Docker Hub, and its C(credsStore) is used.
      - >-
        When unset, E(REGISTRY_AUTH_FILE), else C(config.json) in E(DOCKER_CONFIG), else C(containers/auth.json) in E(XDG_RUNTIME_DIR), else
        C(/run/containers/UID/auth.json) of the user who runs the module. For a user other than root without E(XDG_RUNTIME_DIR), the
        file is where podman has it, in C(/run/user/UID) or C(/tmp/podman-run-UID).
      - These default files do not survive a reboot. Name one such as C(~/.config/containers/auth.json) for a login that shall.
      - >-
        Where C(credHelpers) in the file names a helper for the registry, or C(credential-helpers) in C(registries.conf) one for
        all, the helper keeps the login instead.
    type: path
    aliases: [auth_file, config_path]
  cert_dir:
    description:
      - Directory with CA certificates (C(*.crt)) that are trusted beside the system's, and client certificates (C(*.cert) with C(*.key)).
      - >-
        When unset, the directory named after the registry in C(~/.config/containers/certs.d), C(/etc/containers/certs.d) or
        C(/etc/docker/certs.d), the first that exists.
    type: path
    aliases: [ca_cert_dir, certdir]
notes:
  - To log in as another user of the target, use C(become_user). A file that was there keeps its owner.
seealso:
  - module: strata.containers.image_pull
"""

EXAMPLES = r"""
---
- name: Log in to a registry
  strata.containers.registry_login:
    registry: registry.example.com
    username: deploy
    password: "{{ vault_registry_password }}"

- name: Log in to one namespace of it as somebody else, for good
  strata.containers.registry_login:
    registry: registry.example.com/team
    username: team
    password: "{{ vault_team_password }}"
    authfile: /etc/containers/auth.json

- name: For the docker of another user
  strata.containers.registry_login:
    registry: docker.io
    username: deploy
    password: "{{ vault_hub_token }}"
    authfile: ~/.docker/config.json
  become: true
  become_user: deploy

- name: Log out of it
  strata.containers.registry_login:
    registry: registry.example.com
    state: absent

- name: Log out of all registries
  strata.containers.registry_login:
    state: absent
    all: true
"""

RETURN = r"""
---
registry:
  description: The registry or namespace; null with O(all=true).
  returned: success
  type: str
  sample: registry.example.com
username:
  description: The user who is logged in; null with O(state=absent).
  returned: success
  type: str
  sample: deploy
authfile:
  description: The file for logins, found by O(authfile) and the environment.
  returned: success
  type: str
  sample: /run/containers/0/auth.json
credentials:
  description: >-
    What keeps the login, which is the file or C(docker-credential-NAME) with the place that names this helper; null with
    O(state=absent).
  returned: success
  type: str
  sample: /run/containers/0/auth.json
error:
  description: What went wrong, as data. Playbooks may rely on C(code).
  returned: failure
  type: dict
  contains:
    code:
      description: Stable word for the kind of error. V(unauthorized) for credentials that the registry does not take.
      returned: always
      type: str
      sample: unauthorized
    message:
      description: One sentence.
      returned: always
      type: str
      sample: "unauthorized: authentication required"
    object:
      description: What it happened to; may be empty.
      returned: always
      type: str
      sample: registry.example.com
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
      sample: 401
steps:
  description: What was done to which object, in order.
  returned: when the verbosity is 3 or more
  type: list
  elements: dict
  sample: [{action: verified, object: registry.example.com, username: deploy}]
"""

from ansible_collections.strata.containers.plugins.module_utils._module.begin import run_module
from ansible_collections.strata.containers.plugins.module_utils._module.registry_login import CONSTRAINTS, OPTIONS, verb


def main() -> None:
    run_module(OPTIONS, verb, **CONSTRAINTS)


if __name__ == "__main__":
    main()
