# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: registries_toml
short_description: Text of a registries.conf, checked
version_added: 0.1.0
author:
  - Strata contributors (@strata-containers)
description:
  - Turns the settings of registries into the text of C(registries.conf), version 2, in a stable order.
  - The text is read back, and read by the reader that the modules of this collection use, before it is returned.
requirements:
  - jsonschema on the controller
  - tomli on a controller with a Python before 3.11
options:
  _input:
    description:
      - The settings C(search) (registries for short names), C(short_name_mode), C(aliases) (short name to full name) and
        C(registries), a list of C(prefix), C(location), C(insecure) and C(blocked).
      - What is left out is not written, so that the tools' own default holds.
    type: dict
    required: true
seealso:
  - plugin: strata.containers.storage_toml
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: Send all requests for docker.io to a registry of one's own
  ansible.builtin.copy:
    content: "{{ settings | strata.containers.registries_toml }}"
    dest: /etc/containers/registries.conf
    mode: "0644"
  vars:
    settings:
      search:
        - docker.io
      registries:
        - prefix: docker.io
          location: registry.example.com/hub
"""

RETURN = r"""
_value:
  description: The text of the file.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.strata.containers.plugins.plugin_utils._checks import check_registries, check_schema, plain
from ansible_collections.strata.containers.plugins.plugin_utils._schemas import REGISTRIES
from ansible_collections.strata.containers.plugins.plugin_utils._toml import to_toml

NOTE = "# Written by Ansible (strata.containers.host_config); changes made here are lost at its next run.\n\n"


def registries_toml(settings: Any) -> str:
    """The text of registries.conf for ``settings``. Raises AnsibleFilterError with the place of a fault."""
    value = plain(settings)
    check_schema(value, REGISTRIES, "registries")
    text = NOTE + to_toml(_document(value))
    check_registries(text)
    return text


def _document(settings: Mapping[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    if "search" in settings:
        # An empty list is a setting: short names are not searched for anywhere.
        document["unqualified-search-registries"] = settings["search"]
    if settings.get("short_name_mode"):
        document["short-name-mode"] = settings["short_name_mode"]
    if settings.get("aliases"):
        document["aliases"] = settings["aliases"]
    if settings.get("registries"):
        document["registry"] = settings["registries"]
    return document


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"registries_toml": registries_toml}
