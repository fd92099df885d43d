# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: policy_json
short_description: Text of a policy.json, checked
version_added: 0.1.0
author:
  - Strata contributors (@strata-containers)
description:
  - Turns a signature policy into the text of C(policy.json), after it was checked by a JSON schema and by the parser that
    M(strata.containers.image_pull) uses.
  - A policy with an unknown key or type, or with an empty list of requirements, is an error.
requirements:
  - jsonschema on the controller
options:
  _input:
    description: The policy, as containers-policy.json(5) describes it.
    type: dict
    required: true
seealso:
  - plugin: strata.containers.storage_toml
    plugin_type: filter
  - plugin: strata.containers.registries_toml
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: Install a policy that refuses everything but one registry
  ansible.builtin.copy:
    content: "{{ policy | strata.containers.policy_json }}"
    dest: /etc/containers/policy.json
    mode: "0644"
  vars:
    policy:
      default:
        - type: reject
      transports:
        docker:
          registry.example.com:
            - type: insecureAcceptAnything
"""

RETURN = r"""
_value:
  description: The text of the file, with four columns of indentation and a newline at the end.
  type: str
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.strata.containers.plugins.plugin_utils._checks import check_policy, check_schema, plain
from ansible_collections.strata.containers.plugins.plugin_utils._schemas import POLICY


def policy_json(policy: Any) -> str:
    """The text of policy.json for ``policy``. Raises AnsibleFilterError with the place of a fault."""
    value = plain(policy)
    check_schema(value, POLICY, "policy")
    _require_filled_in(value)
    text = json.dumps(value, indent=4, ensure_ascii=False) + "\n"
    check_policy(text)
    return text


def _require_filled_in(policy: Mapping[str, Any]) -> None:
    """Raises AnsibleFilterError for a scope that is a template: Ansible fills in values, and leaves keys as they are.

    Such a scope covers no image, so that the default would judge all those that it was written for.
    """
    for transport, scopes in policy.get("transports", {}).items():
        for scope in scopes:
            if "{{" in scope or "{%" in scope:
                raise AnsibleFilterError(
                    f"policy['transports'][{transport!r}]: the scope {scope!r} is a template, and Ansible does not fill in the keys"
                    " of a dictionary; make the dictionary in an expression, as in {{ {registry: requirements} }}"
                )


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"policy_json": policy_json}
