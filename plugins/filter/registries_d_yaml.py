# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: registries_d_yaml
short_description: Text of a file in registries.d, checked
version_added: 0.1.0
author:
  - Strata contributors (@strata-containers)
description:
  - Turns a list of places of signatures into the text of a file in C(registries.d), after it was checked by a JSON schema and, together
    with the other files of the directory, by the reader that M(strata.containers.image_pull) uses.
  - No two files may speak of the same scope; the tools refuse all images then.
requirements:
  - jsonschema on the controller
options:
  _input:
    description: >-
      The places, each with C(scope) (all registries where it is empty or left out), and C(lookaside), C(lookaside_staging) or
      C(use_sigstore_attachments).
    type: list
    elements: dict
    required: true
  others:
    description: The text of each other file in the directory, by its path.
    type: dict
    default: {}
seealso:
  - plugin: strata.containers.policy_json
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: Look for signatures of one registry on a web server
  ansible.builtin.copy:
    content: "{{ stores | strata.containers.registries_d_yaml }}"
    dest: /etc/containers/registries.d/example.yaml
    mode: "0644"
  vars:
    stores:
      - scope: registry.example.com
        lookaside: https://signatures.example.com
"""

RETURN = r"""
_value:
  description: The text of the file.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any, Optional

import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.strata.containers.plugins.plugin_utils._checks import (
    check_registries_d,
    check_schema,
    plain,
)
from ansible_collections.strata.containers.plugins.plugin_utils._schemas import SIGNATURE_STORES

NOTE = "# Written by Ansible (strata.containers.host_config); changes made here are lost at its next run.\n\n"
_KEYS = {
    "lookaside": "lookaside",
    "lookaside_staging": "lookaside-staging",
    "use_sigstore_attachments": "use-sigstore-attachments",
}


def registries_d_yaml(stores: Any, others: Optional[Mapping[str, str]] = None) -> str:
    """The text of the file for ``stores``. Raises AnsibleFilterError with the place of a fault."""
    value = plain(stores)
    check_schema(value, SIGNATURE_STORES, "signature stores")
    document: dict[str, Any] = {}
    for store in value:
        scope = store.get("scope", "")
        place = document.setdefault("docker", {}) if scope else document
        name = scope or "default-docker"
        if name in place:
            raise AnsibleFilterError(f"signature stores: {scope or 'all registries'} is there twice")
        place[name] = {key: store[option] for option, key in _KEYS.items() if option in store}
    text = NOTE + yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    check_registries_d(text, plain(others or {}))
    return text


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"registries_d_yaml": registries_d_yaml}
