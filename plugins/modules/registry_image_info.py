#!/usr/bin/python
# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: registry_image_info
short_description: Look at images in a registry without pulling them
description:
  - Returns what registries have under the names of images - digests, platforms, labels, configuration, and the layers with their sizes.
  - Needs no store and no engine on the target. No layer is fetched, only manifests, and the config where it is needed.
  - >-
    The mirrors and the rewriting of C(registries.conf) apply as for a pull, so that the answer is about the image that
    M(strata.containers.image_pull) would fetch.
  - >-
    Of an image of Docker's old schema 1 the configuration and the history stand in the manifest. What its layers unpack to and how large they
    are is known when they are pulled; until then these values, and the image ID that follows from them, are null.
author: Strata contributors (@strata-containers)
extends_documentation_fragment:
  - strata.containers._attributes.info
  - strata.containers._registry
options:
  name:
    description:
      - Names of the images, one or a list. C(docker://) may stand before each.
      - A name without a host is one of C(docker.io), a name without a tag means the tag C(latest), and where there is a digest, the tag is ignored.
    type: list
    elements: str
    required: true
  platform:
    description:
      - >-
        C(os/architecture[/variant]) of the image to look at where the name is that of a list of images for several platforms. When unset, it
        is that of the target.
      - An image that is no list is refused when it is made for another platform than the one asked for here.
    type: str
  gather:
    description:
      - What to add to each image.
      - >-
        The image's config is fetched for V(config) and V(history). Without both, no blob is fetched at all, and what only the config says is
        null.
    type: list
    elements: str
    choices:
      config: The runtime configuration (C(Cmd), C(Env), C(Labels) and so on).
      history: The history of the config.
      manifest: The manifest of the image, not that of the list.
    default: [config]
notes:
  - No signature policy is looked at. Who signed an image is checked when it is pulled.
seealso:
  - module: strata.containers.registry_tags_info
  - module: strata.containers.image_pull
  - module: strata.containers.image_info
  - plugin: strata.containers.image_digest
    plugin_type: lookup
"""

EXAMPLES = r"""
---
- name: Look at an image before it is pulled
  strata.containers.registry_image_info:
    name: registry.example.com/team/app:2.0
  register: app

- name: Stop where it would be too large
  ansible.builtin.assert:
    that: app.image.size < 2 * 1024 * 1024 * 1024

- name: Find out for which platforms two images are made, from their manifests alone
  strata.containers.registry_image_info:
    name:
      - registry.example.com/team/app:2.0
      - docker.io/library/alpine:3.20
    gather: []
  register: both

- name: Show the platforms
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.platforms | map(attribute='platform') | join(', ') }}"
  loop: "{{ both.images }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
---
images:
  description: The images in the order asked. When one of several fails, the others are there nevertheless, and the task fails.
  returned: always, unless the task failed before the first image
  type: list
  elements: dict
  contains:
    name:
      description: Full name of the image.
      returned: always
      type: str
      sample: registry.example.com/team/app:2.0
    digest:
      description: Digest of what the name stands for, that of the list where the image is one of several. It is what to pull by.
      returned: always; null where the image failed
      type: str
      sample: sha256:1e6072bdb46a801040613d0e8765a586131819ed98caa762dc7bfef03ae27b1f
    media_type:
      description: Media type of what the name stands for.
      returned: always; null where the image failed
      type: str
      sample: application/vnd.oci.image.index.v1+json
    manifest_digest:
      description: Digest of the manifest of the image for RV(images[].platform); the same as RV(images[].digest) when there is no list.
      returned: always; null where the image failed
      type: str
      sample: sha256:6801b99a1fb8f0b3e0a5a3f2f8ac9ee04e5cd1c9b0cf1d3f4c0b86f4a8e1e7b0
    platform:
      description: C(os/architecture[/variant]) of the image.
      returned: always; null where neither config nor list says it
      type: str
      sample: linux/amd64
    platforms:
      description: What there is under the name, in the order of the list; one entry for an image that is no list.
      returned: always
      type: list
      elements: dict
      contains:
        platform:
          description: C(os/architecture[/variant]); null where it is not said.
          returned: always
          type: str
          sample: linux/amd64
        digest:
          description: Digest of the manifest.
          returned: always
          type: str
          sample: sha256:6801b99a1fb8f0b3e0a5a3f2f8ac9ee04e5cd1c9b0cf1d3f4c0b86f4a8e1e7b0
        media_type:
          description: Media type of the manifest.
          returned: always
          type: str
          sample: application/vnd.oci.image.manifest.v1+json
        size:
          description: Bytes of the manifest itself.
          returned: always
          type: int
          sample: 1024
    id:
      description: Image ID, the digest of the image's config without C(sha256:). A store has the image under this ID.
      returned: always; null where the image failed or is one of schema 1
      type: str
      sample: 6e30ab57aeeef1ebca8ac5a6ea05b5dd39d54990be94e7be18bb969a02d10a3f
    created:
      description: When the image was made, as its config says.
      returned: always; null where the config was not read or does not say it
      type: str
      sample: "2026-11-03T10:31:07Z"
    labels:
      description: The labels of the config.
      returned: always; null where the config was not read
      type: dict
      sample: {org.opencontainers.image.version: "2.0"}
    layers:
      description: The layers, base first.
      returned: always
      type: list
      elements: dict
      contains:
        digest:
          description: Digest of the layer as the registry has it.
          returned: always
          type: str
          sample: sha256:6801b99a1fb8f0b3e0a5a3f2f8ac9ee04e5cd1c9b0cf1d3f4c0b86f4a8e1e7b0
        diff_id:
          description: Digest of the unpacked layer; null where the config was not read, and for an image of schema 1.
          returned: always
          type: str
          sample: sha256:1e6072bdb46a801040613d0e8765a586131819ed98caa762dc7bfef03ae27b1f
        media_type:
          description: Media type of the layer.
          returned: always
          type: str
          sample: application/vnd.oci.image.layer.v1.tar+gzip
        size:
          description: Bytes of the layer as the registry has it; null for an image of schema 1.
          returned: always
          type: int
          sample: 49580032
    size:
      description: Bytes of all layers as the registry has them.
      returned: always; null where the image failed or is one of schema 1
      type: int
      sample: 51380224
    config:
      description: The runtime configuration.
      returned: when O(gather) contains V(config)
      type: dict
      sample: {Cmd: [/bin/sh]}
    history:
      description: The history, oldest first.
      returned: when O(gather) contains V(history)
      type: list
      elements: dict
      sample: [{created_by: /bin/sh}]
    manifest:
      description: The manifest of the image.
      returned: when O(gather) contains V(manifest)
      type: dict
      sample: {schemaVersion: 2}
    source:
      description: The repository that served the image, which may be a mirror; null where none did.
      returned: always
      type: str
      sample: mirror.example.com/team/app
    credentials:
      description: >-
        The file or helper that gave the credentials for RV(images[].source), or V(the options of the task); null where there were none. It
        does not say whether the registry looked at them.
      returned: always
      type: str
      sample: /run/containers/0/auth.json
    error:
      description: As RV(error), for this image; null where all went well.
      returned: always
      type: dict
      sample: null
image:
  description: The entry of RV(images) when one image was asked for.
  returned: when O(name) has one entry
  type: dict
  sample: {name: registry.example.com/team/app:2.0, size: 51380224}
error:
  description: What went wrong, as data. Playbooks may rely on C(code).
  returned: failure
  type: dict
  contains:
    code:
      description: Stable word for the kind of error.
      returned: always
      type: str
      sample: manifest_unknown
    message:
      description: One sentence.
      returned: always
      type: str
      sample: manifest unknown
    object:
      description: What it happened to; may be empty. Where several images failed, that of the first, and the message names all.
      returned: always
      type: str
      sample: registry.example.com/team/app:3.0
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
      sample: 404
steps:
  description: What was done to which object, in order.
  returned: when the verbosity is 3 or more
  type: list
  elements: dict
  sample: [{action: inspected, object: "registry.example.com/team/app:2.0"}]
"""

from ansible_collections.strata.containers.plugins.module_utils._module.begin import run_module
from ansible_collections.strata.containers.plugins.module_utils._module.registry_image_info import (
    CONSTRAINTS,
    OPTIONS,
    verb,
)


def main() -> None:
    run_module(OPTIONS, verb, **CONSTRAINTS)


if __name__ == "__main__":
    main()
