# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: storage_toml
short_description: Text of a storage.conf, checked
version_added: 0.1.0
author:
  - Strata contributors (@strata-containers)
description:
  - Turns the settings of a container store into the text of C(storage.conf), in a stable order.
  - The text is read back, and read by the reader that the modules of this collection use, before it is returned.
requirements:
  - jsonschema on the controller
  - tomli on a controller with a Python before 3.11
options:
  _input:
    description:
      - The settings C(driver) (needed), C(graphroot), C(runroot), C(mountopt), C(additional_image_stores) and C(options).
      - C(options) holds further keys of the table C(storage.options), inner tables included; they come before the others.
      - What is empty or left out is not written, so that the tools' own default holds; nor is C(mountopt) for the drivers C(vfs) and
        C(btrfs), which mount nothing.
    type: dict
    required: true
seealso:
  - plugin: strata.containers.registries_toml
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: Keep the store on a disk of its own
  ansible.builtin.copy:
    content: "{{ {'driver': 'overlay', 'graphroot': '/srv/containers', 'mountopt': 'nodev'} | strata.containers.storage_toml }}"
    dest: /etc/containers/storage.conf
    mode: "0644"
"""

RETURN = r"""
_value:
  description: The text of the file.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.strata.containers.plugins.plugin_utils._checks import check_schema, plain, store_settings
from ansible_collections.strata.containers.plugins.plugin_utils._schemas import STORAGE
from ansible_collections.strata.containers.plugins.plugin_utils._toml import to_toml

# The drivers that mount what they keep; the tables of the others have no such key, and podman warns of it at each command.
_MOUNTING = ("overlay",)

NOTE = "# Written by Ansible (strata.containers.host_config); changes made here are lost at its next run.\n\n"


def storage_toml(settings: Any) -> str:
    """The text of storage.conf for ``settings``. Raises AnsibleFilterError with the place of a fault."""
    value = plain(settings)
    check_schema(value, STORAGE, "storage")
    text = NOTE + to_toml({"storage": _table(value)})
    store_settings(text)
    return text


def _table(settings: Mapping[str, Any]) -> dict[str, Any]:
    table = {key: settings[key] for key in ("driver", "graphroot", "runroot") if settings.get(key)}
    options = _options(settings)
    return {**table, "options": options} if options else table


def _options(settings: Mapping[str, Any]) -> dict[str, Any]:
    driver = settings["driver"]
    options: dict[str, Any] = {}
    if settings.get("additional_image_stores"):
        options["additionalimagestores"] = settings["additional_image_stores"]
    if settings.get("mountopt") and driver in _MOUNTING:
        options[driver] = {"mountopt": settings["mountopt"]}
    for key, value in settings.get("options", {}).items():
        merge = isinstance(value, Mapping) and isinstance(options.get(key), Mapping)
        options[key] = {**options[key], **value} if merge else value
    return options


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"storage_toml": storage_toml}
