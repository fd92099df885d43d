# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: image_digest
short_description: Digest that the tag of an image stands for
version_added: 0.1.0
author:
  - Strata contributors (@strata-containers)
description:
  - Asks registries, from the controller, for the digests of images, so that all hosts of a play can pull the very same build.
  - The mirrors and the rewriting of C(registries.conf) of the controller apply as for a pull.
  - An image whose name has a digest is not asked for. Its digest is returned as it is.
extends_documentation_fragment:
  - strata.containers._registry
options:
  _terms:
    description:
      - Names of images. C(docker://) may stand before each.
      - A name without a host is one of C(docker.io), a name without a tag means the tag C(latest), and where there is a digest, the tag is ignored.
    type: list
    elements: str
    required: true
  result:
    description: What to return for each image.
    type: str
    choices:
      digest: The digest alone.
      reference: The full name with the digest in place of the tag, as M(strata.containers.image_pull) takes it.
    default: digest
notes:
  - >-
    Here the controller is what the options call the target. Files are read there, as the user who runs Ansible, and C(urllib3) is needed
    there.
  - >-
    The digest is that of the list where an image is made for several platforms, so hosts of different platforms can pull by it.
  - >-
    The registry's word for the digest is taken (one HEAD request, which Docker Hub does not count as a pull). What is pulled by a digest is
    checked against it.
  - >-
    Ansible evaluates a variable wherever it is used, for each host and task anew, mostly in a process of its own. An image is asked for
    once in each process. To have one answer for all hosts of a play, set a fact with C(run_once), as in the first example.
  - Errors carry the same text and code word as those of M(strata.containers.registry_image_info).
seealso:
  - module: strata.containers.image_pull
  - module: strata.containers.registry_image_info
  - plugin: strata.containers.normalize_reference
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: Find out once what the tag stands for
  ansible.builtin.set_fact:
    app: "{{ lookup('strata.containers.image_digest', 'registry.example.com/team/app:stable', result='reference') }}"
  run_once: true

- name: Have that build on every host, whatever becomes of the tag meanwhile
  strata.containers.image_pull:
    name: "{{ app }}"
    pull: missing

- name: Show the digests of two images
  ansible.builtin.debug:
    msg: "{{ query('strata.containers.image_digest', 'quay.io/podman/hello', 'docker.io/library/alpine:3.20', authfile='~/auth.json') }}"
"""

RETURN = r"""
_raw:
  description: The digest or the full name of each image, in the order asked.
  type: list
  elements: str
  sample: [sha256:1e6072bdb46a801040613d0e8765a586131819ed98caa762dc7bfef03ae27b1f]
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Optional

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display
from ansible_collections.strata.containers.plugins.module_utils._config.paths import ConfigPaths
from ansible_collections.strata.containers.plugins.module_utils._engine.registry_names import registry_image
from ansible_collections.strata.containers.plugins.module_utils._engine.remote import remote_digest
from ansible_collections.strata.containers.plugins.module_utils._errors import StrataError
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._model.reference import Reference
from ansible_collections.strata.containers.plugins.module_utils._module.access import registry_access, registry_retry
from ansible_collections.strata.containers.plugins.module_utils._module.specs import REGISTRY
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter

# What this process asked for already: by image, and by all options that may change the answer.
_ANSWERS: dict[tuple[Any, ...], Digest] = {}


class LookupModule(LookupBase):
    """The lookup of this file."""

    def run(self, terms: list[Any], variables: Optional[Mapping[str, Any]] = None, **kwargs: Any) -> list[str]:
        """The digest or reference of each image in ``terms``. Raises AnsibleLookupError."""
        options, result = _options(self, variables, kwargs)
        if (options["username"] is None) != (options["password"] is None):
            raise AnsibleLookupError("image_digest: username and password go together")
        try:
            references = [registry_image(_text(term)) for term in terms]
            digests = _digests(references, options)
        except StrataError as error:
            # The engine's error goes no further: Ansible would print it once more.
            raise AnsibleLookupError(f"image_digest: {error} ({error.code})") from None
        if result == "digest":
            return [str(digest) for digest in digests]
        return [str(replace(reference, tag=None, digest=digest)) for reference, digest in zip(references, digests)]


def _options(
    plugin: LookupBase, variables: Optional[Mapping[str, Any]], given: Mapping[str, Any]
) -> tuple[dict[str, Any], str]:
    """The registry options, each with its value or default, and the option ``result``."""
    plugin.set_options(var_options=variables, direct=given)
    return {name: plugin.get_option(name) for name in REGISTRY}, plugin.get_option("result")


def _text(term: Any) -> str:
    if not isinstance(term, str):
        raise AnsibleLookupError("image_digest: the name of an image must be text; several images are several terms")
    return str(term)


def _digests(references: list[Reference], options: Mapping[str, Any]) -> list[Digest]:
    """The digest of each image; warnings of registries are shown even when an image fails."""
    reporter = Reporter()
    access = registry_access(options, ConfigPaths.of_this_user(), reporter)
    retry = registry_retry(options, reporter)
    try:
        for reference in references:
            key = (reference, *options.values())
            if key not in _ANSWERS:
                _ANSWERS[key] = remote_digest(access, reference, retry)
        return [_ANSWERS[(reference, *options.values())] for reference in references]
    finally:
        access.close()
        for warning in reporter.warnings:
            Display().warning(f"image_digest: {warning}")
