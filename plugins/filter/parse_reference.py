# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: parse_reference
short_description: Parts of the name of an image
version_added: 0.1.0
author:
  - Strata contributors (@strata-containers)
description:
  - Takes the name of an image apart, after it was completed by the rules of podman, skopeo and docker for the names of registries.
  - A default tag is not added. P(strata.containers.normalize_reference#filter) does that.
options:
  _input:
    description: The name of an image, with or without C(docker://) before it.
    type: str
    required: true
seealso:
  - plugin: strata.containers.normalize_reference
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: Show which registry an image comes from
  ansible.builtin.debug:
    msg: "{{ (image | strata.containers.parse_reference).domain }}"
  vars:
    image: quay.io/podman/hello:latest

- name: Refuse images that are not pinned to a digest
  ansible.builtin.assert:
    that: (item | strata.containers.parse_reference).digest is not none
  loop:
    - quay.io/podman/hello@sha256:6e30ab57aeeef1ebca8ac5a6ea05b5dd39d54990be94e7be18bb969a02d10a3f
"""

RETURN = r"""
_value:
  description: The parts.
  type: dict
  contains:
    reference:
      description: The full name, with the tag and the digest that were given.
      type: str
      sample: docker.io/library/busybox:1.36
    name:
      description: The full name of the repository, without tag and digest.
      type: str
      sample: docker.io/library/busybox
    domain:
      description: The host of the registry, with its port where there is one.
      type: str
      sample: docker.io
    path:
      description: The repository's path at the registry.
      type: str
      sample: library/busybox
    tag:
      description: The tag; null where none was given.
      type: str
      sample: "1.36"
    digest:
      description: The digest; null where none was given.
      type: str
      sample: null
    familiar:
      description: The short form that people use.
      type: str
      sample: busybox:1.36
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.strata.containers.plugins.plugin_utils._references import reference_of


def parse_reference(name: Any) -> dict[str, Any]:
    """The parts of the full name for ``name``. Raises AnsibleFilterError."""
    reference = reference_of(name, "parse_reference")
    return {
        "reference": str(reference),
        "name": reference.name,
        "domain": reference.domain,
        "path": reference.path,
        "tag": reference.tag,
        "digest": str(reference.digest) if reference.digest else None,
        "familiar": reference.familiar(),
    }


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"parse_reference": parse_reference}
