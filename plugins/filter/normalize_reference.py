# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: normalize_reference
short_description: Full name of an image
version_added: 0.1.0
author:
  - Strata contributors (@strata-containers)
description:
  - Turns what a person types for an image into its full name, by the rules of podman, skopeo and docker for the names of registries.
  - >-
    A first component with a dot or a colon, or C(localhost), is a host. Any other name is one of C(docker.io), and in C(library/) when it
    has a single component. A name with neither tag nor digest gets the tag C(latest).
  - Two names are those of the same image where this filter gives the same text for both.
  - >-
    Aliases and search registries of C(registries.conf) are not looked at. They are those of a host, and a filter runs on the controller.
options:
  _input:
    description: The name of an image, with or without C(docker://) before it.
    type: str
    required: true
seealso:
  - plugin: strata.containers.parse_reference
    plugin_type: filter
  - plugin: strata.containers.image_digest
    plugin_type: lookup
"""

EXAMPLES = r"""
---
- name: Show that docker.io/library/busybox:latest is meant
  ansible.builtin.debug:
    msg: "{{ 'busybox' | strata.containers.normalize_reference }}"

- name: Name every image in full
  ansible.builtin.debug:
    msg: "{{ ['quay.io/podman/hello', 'busybox:1.36'] | map('strata.containers.normalize_reference') | list }}"
"""

RETURN = r"""
_value:
  description: The full name, with a tag, a digest, or both where the name had both.
  type: str
  sample: docker.io/library/busybox:latest
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.strata.containers.plugins.plugin_utils._references import reference_of


def normalize_reference(name: Any) -> str:
    """The full name for ``name``, with its default tag. Raises AnsibleFilterError."""
    return str(reference_of(name, "normalize_reference").with_default_tag())


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"normalize_reference": normalize_reference}
