# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: store_left_behind
short_description: Which container store a new storage.conf would leave behind
version_added: 0.1.0
author:
  - Strata contributors (@strata-containers)
description:
  - Compares the store that a host's C(storage.conf) names with the one that a new text names, and tells where the records of
    the old one are, when its root or its driver would be another.
requirements:
  - tomli on a controller with a Python before 3.11
options:
  _input:
    description: The text of the new C(storage.conf).
    type: str
    required: true
  old:
    description: The text of the C(storage.conf) that is on the host; empty where there is none.
    type: str
    required: true
  home:
    description: The home directory of the user that the file is for.
    type: str
    default: /root
  uid:
    description: The number of the user that the file is for.
    type: int
    default: 0
"""

EXAMPLES = r"""
---
- name: Show the files that tell whether the old store holds anything
  ansible.builtin.debug:
    msg: "{{ (new_text | strata.containers.store_left_behind(old_text)).records }}"
"""

RETURN = r"""
_value:
  description: What would be left behind.
  type: dict
  contains:
    found:
      description: The driver and root of the old store, in words.
      type: str
    wanted:
      description: The driver and root of the new store, in words.
      type: str
    records:
      description: The files that hold the records of the old store; empty when the store stays the same.
      type: list
      elements: str
"""

from collections.abc import Callable, Iterator
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.strata.containers.plugins.module_utils._config.storage_conf import StoreSettings
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.plugin_utils._checks import store_settings

# Where a file names no driver, the tools go on with the one that they find in the root.
DRIVERS = ("overlay", "vfs", "btrfs", "zfs")


def store_left_behind(new: str, old: str, home: str = "/root", uid: int = 0) -> dict[str, Any]:
    """The records of the store that ``old`` names and ``new`` does not; see RETURN."""
    wanted = store_settings(str(new), home, int(uid))
    found = _old_settings(str(old), home, int(uid))
    return {
        "found": _words(found),
        "wanted": _words(wanted),
        "records": [path for driver in _left_drivers(found, wanted) for path in _records(found, driver)],
    }


def _old_settings(old: str, home: str, uid: int) -> StoreSettings:
    try:
        return store_settings(old, home, uid)
    except AnsibleFilterError:
        # No tool can work with a file that cannot be read; what it had before is the default.
        return store_settings("", home, uid)


def _left_drivers(found: StoreSettings, wanted: StoreSettings) -> list[str]:
    drivers = [found.driver] if found.driver else list(DRIVERS)
    return [driver for driver in drivers if (found.graph_root, driver) != (wanted.graph_root, wanted.driver)]


def _records(settings: StoreSettings, driver: str) -> Iterator[str]:
    layout = Layout(settings.graph_root, settings.run_root, driver)
    yield layout.layers_json
    yield layout.volatile_layers_json
    yield layout.images_json
    yield layout.containers_json
    yield layout.volatile_containers_json


def _words(settings: StoreSettings) -> str:
    return f"driver {settings.driver or 'not named'}, root {settings.graph_root}"


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"store_left_behind": store_left_behind}
