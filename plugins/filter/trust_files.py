# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: trust_files
short_description: Files of public keys, or of certificates for registries, checked
version_added: 0.1.0
author:
  - Strata contributors (@strata-containers)
description:
  - Gives back a list of files, each with the directory that it belongs into, after it was checked that each is what it has to be. For the
    role P(strata.containers.host_config#role).
  - A private key among public ones is an error, and so is one half of a client's certificate and key.
requirements:
  - jsonschema on the controller
options:
  _input:
    description: The files, each with a C(name), and C(content) or C(src); those for registries with a C(registry).
    type: list
    elements: dict
    required: true
  directory:
    description: The directory for keys, or the one that has a directory for each registry.
    type: str
    required: true
  kind:
    description: What the files are. V(keys) that a policy names, or V(certificates) of registries.
    type: str
    choices: [keys, certificates]
    default: keys
  sources:
    description: Path on the controller of each C(src); without one it is C(src) itself.
    type: dict
    default: {}
seealso:
  - plugin: strata.containers.policy_json
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: Fail unless the file is a public key
  ansible.builtin.debug:
    msg: "{{ [{'name': 'team.gpg', 'src': '/srv/keys/team.gpg'}] | strata.containers.trust_files('/etc/pki/containers') }}"
"""

RETURN = r"""
_value:
  description: The same list, each file with the key C(directory).
  type: list
  elements: dict
"""

from collections.abc import Callable, Mapping
from typing import Any, Optional

from ansible.errors import AnsibleFilterError
from ansible_collections.strata.containers.plugins.plugin_utils._checks import check_schema, plain
from ansible_collections.strata.containers.plugins.plugin_utils._public_files import check_public, contents
from ansible_collections.strata.containers.plugins.plugin_utils._schemas import CERTIFICATES, KEYS


def trust_files(
    files: Any, directory: str, kind: str = "keys", sources: Optional[Mapping[str, str]] = None
) -> list[dict[str, Any]]:
    """The list ``files``, each with its ``directory``. Raises AnsibleFilterError with the name of one that is not what it has to be."""
    value: list[dict[str, Any]] = plain(files)
    if kind == "keys":
        check_schema(value, KEYS, "keys")
        _require_unique([entry["name"] for entry in value])
        for entry, content in contents(value, sources or {}):
            check_public(entry["name"], content)
        return [{**entry, "directory": directory} for entry in value]
    check_schema(value, CERTIFICATES, "certificates")
    _require_unique([f"{entry['registry']}/{entry['name']}" for entry in value])
    _require_pairs(value)
    # Of a private key only its place is known here; it goes from its file to the host.
    public = [entry for entry in value if not entry["name"].endswith(".key")]
    for entry, content in contents(public, sources or {}):
        check_public(f"{entry['registry']}/{entry['name']}", content, only="CERTIFICATE")
    return [{**entry, "directory": f"{directory}/{entry['registry']}"} for entry in value]


def _require_unique(names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise AnsibleFilterError(f"{name}: there are two files of this name")


def _require_pairs(files: list[dict[str, Any]]) -> None:
    names = {f"{entry['registry']}/{entry['name']}" for entry in files}
    for entry in files:
        base, _dot, extension = f"{entry['registry']}/{entry['name']}".rpartition(".")
        other = {"cert": "key", "key": "cert"}.get(extension)
        if other and f"{base}.{other}" not in names:
            raise AnsibleFilterError(f"{base}.{extension}: there is no {base}.{other} beside it")
        if extension == "key" and "src" not in entry:
            raise AnsibleFilterError(f"{base}.key: a private key is taken from a file (src), never from a variable")


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"trust_files": trust_files}
