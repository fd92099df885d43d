#!/usr/bin/python
# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: image_pull
short_description: Pull images from a registry into the store that podman uses
description:
  - >-
    Fetches images from registries, checks them against the signature policy and every digest, and stores them where podman, buildah,
    skopeo and CRI-O find them.
  - Needs no engine, daemon or command-line tool on the target.
  - >-
    Only layers that the store lacks are fetched, several at once. They are unpacked by a confined process without network, credentials or
    a view of the file system.
  - >-
    An image that lies in an additional image store (C(additionalimagestores) of C(storage.conf)) is present, and layers that lie there are
    built on without a copy.
  - Nothing of an image is visible before all of it is verified.
  - >-
    A policy that requires signatures is asked when the manifest is there, and before any blob is fetched. The policy judges an image by the
    name that the task gives it, before any mirror; of a list of images that is the one for the platform, whose own signature counts. An image
    that is present is judged again when the registry is asked (V(always) and V(newer) of O(pull)), and not otherwise.
  - >-
    The signatures of an image are kept in the store, as podman keeps them. Where the registry has others for an image that is present, they
    take the place of those that are stored.
  - >-
    Images of Docker's old schema 1 are converted as podman converts them. Their manifests say neither what their layers unpack to nor how
    large they are. Check mode asks the registry for the sizes, and returns null for the IDs that follow from layers not in the store.
author: Strata contributors (@strata-containers)
extends_documentation_fragment:
  - strata.containers._attributes
  - strata.containers._store
  - strata.containers._registry
  - strata.containers._policy
options:
  name:
    description:
      - Names of the images, one or a list. A name without tag or digest means C(latest).
      - >-
        A name without a registry (its first component has no dot or colon and is not C(localhost)) is resolved as podman does. An alias
        in C(registries.conf) is the only candidate. Otherwise there is one in each of the C(unqualified-search-registries); they are
        tried in order, and the first that can be pulled is taken. With V(enforcing) as C(short-name-mode) several candidates are an
        error, as nobody can be asked. Without any candidate the task fails; docker.io is searched only where the configuration says so.
      - >-
        An image that is in the store under a name that the short one may stand for goes first (the alias, C(localhost), the search
        registries, docker.io, at last any name that ends in it): with V(missing) and V(never) of O(pull) it is kept, otherwise only
        its own registry is asked.
      - A name with C(docker://) before it is never a short one; without a registry it is docker.io's.
      - >-
        An image ID (64 hexadecimal digits, C(sha256:) may stand before them) is looked up in the store, with V(missing) or V(never) of
        O(pull) only. No registry can be asked for one.
      - Of a name with tag and digest the digest decides, and the image is named by it, as in podman.
    type: list
    elements: str
    required: true
  tag:
    description: Tag for names that have neither tag nor digest. Not for image IDs.
    type: str
  names:
    description:
      - Further names that the image shall have. Only with exactly one O(name).
      - A name without a registry belongs to C(localhost), as with C(podman tag).
      - A digest in such a name must be the image's own.
    type: list
    elements: str
    default: []
  pull:
    description: When to ask the registry.
    type: str
    choices:
      always: Ask, and fetch what differs. Fail when the registry cannot be asked.
      newer: The same, but keep an image that is present, with a warning, when the registry cannot be asked.
      missing: Do not ask when the image is present. One of another platform than an explicit O(platform) does not count as present.
      never: Do not ask; fail when the image is not present.
    default: always
    aliases: [pull_policy]
  platform:
    description:
      - Platform of the image as C(os/architecture[/variant]), with the spellings of Go or of C(uname).
      - When unset, that of the target.
    type: str
  allow_other_platform:
    description: Take an image that is there for a single platform even if that is another one.
    type: bool
    default: false
  remove_signatures:
    description:
      - Keep the image without its signatures, and remove those that are stored with it. A policy that requires signatures reads them all the same.
      - Under a policy that requires none, places of signatures are not asked.
    type: bool
    default: false
  max_parallel_downloads:
    description: How many layers are fetched and unpacked at the same time.
    type: int
    default: 6
notes:
  - A user other than root works on stores of that user, as rootless podman does; it takes subordinate IDs. See C(docs/rootless.md).
seealso:
  - module: strata.containers.image_verify
"""

EXAMPLES = r"""
---
- name: Have the base image on every host
  strata.containers.image_pull:
    name: registry.example.com/base/debian:12

- name: Several images, and only what is missing
  strata.containers.image_pull:
    name:
      - registry.example.com/base/debian:12
      - docker.io/library/alpine:3.20
    pull: missing

- name: One build for certain, under a name of its own
  strata.containers.image_pull:
    name: registry.example.com/team/app@sha256:1e6072bdb46a801040613d0e8765a586131819ed98caa762dc7bfef03ae27b1f
    names: [app:current]

- name: By a short name, from wherever registries.conf says
  strata.containers.image_pull:
    name: alpine:3.20
    registries_conf: /etc/containers/registries.conf

- name: Only with a signature that the policy of the host verifies
  strata.containers.image_pull:
    name: registry.example.com/team/app:2.0
    require_signed: true

- name: From a registry that asks who we are
  strata.containers.image_pull:
    name: registry.example.com/private/app
    tag: "1.4"
    username: deploy
    password: "{{ vault_registry_password }}"
"""

RETURN = r"""
---
images:
  description: The images in the order asked.
  returned: always, unless the task failed before the first image
  type: list
  elements: dict
  contains:
    id:
      description: >-
        Image ID, the digest of the image's config without C(sha256:); null in check mode for an image of schema 1 with layers that the
        store does not know.
      returned: always; null where the pull failed
      type: str
      sample: 6e30ab57aeeef1ebca8ac5a6ea05b5dd39d54990be94e7be18bb969a02d10a3f
    names:
      description: Full names of the image; of one that was asked for by a short name, the name that was used in the end.
      returned: always
      type: list
      elements: str
      sample: [registry.example.com/base/debian:12]
    digest:
      description: Manifest digest of the record; that of the list when the image was chosen from one.
      returned: always; null where the pull failed
      type: str
      sample: sha256:1e6072bdb46a801040613d0e8765a586131819ed98caa762dc7bfef03ae27b1f
    digests:
      description: Every manifest digest under which the image can be found.
      returned: always
      type: list
      elements: str
      sample: [sha256:1e6072bdb46a801040613d0e8765a586131819ed98caa762dc7bfef03ae27b1f]
    top_layer:
      description: ID of the topmost layer; null like RV(images[].id), and for an image without layers.
      returned: always; null where the pull failed
      type: str
      sample: a3c3bfbfe562d97d6e05764010d97b03b63d62f5324ace4b493d67a44315144d
    read_only:
      description: Whether the image lies in an additional image store, where nothing can change it.
      returned: always; null where the pull failed
      type: bool
      sample: false
    size:
      description: >-
        Bytes of the unpacked layers and of the image's data, as C(podman image inspect) counts them; null in check mode where only the
        content can tell.
      returned: always; null where the pull failed
      type: int
      sample: 124083200
    created:
      description: When the image was made, as its config says.
      returned: always; null where the pull failed
      type: str
      sample: "2026-11-03T10:31:07Z"
    platform:
      description: C(os/architecture[/variant]) of the image.
      returned: always; null where the pull failed
      type: str
      sample: linux/amd64
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
          description: Digest of the unpacked layer; null in check mode for a layer of schema 1 that the store does not know.
          returned: always
          type: str
          sample: sha256:1e6072bdb46a801040613d0e8765a586131819ed98caa762dc7bfef03ae27b1f
        id:
          description: >-
            Layer ID in the store; null in check mode where RV(images[].layers[].diff_id) of the layer or of one below it is null.
          returned: always
          type: str
          sample: a3c3bfbfe562d97d6e05764010d97b03b63d62f5324ace4b493d67a44315144d
        compressed_size:
          description: Bytes of the layer as the registry has it; null for a layer of schema 1 where nothing tells.
          returned: always
          type: int
          sample: 49580032
        size:
          description: Bytes of the unpacked layer; null in check mode where only the content can tell.
          returned: always
          type: int
          sample: 124080128
        path:
          description: Directory of the layer's content; null where RV(images[].layers[].id) is null.
          returned: always
          type: str
          sample: /var/lib/containers/storage/overlay/a3c3bfbfe562d97d6e05764010d97b03b63d62f5324ace4b493d67a44315144d/diff
        action:
          description: >-
            V(keep) for a layer that is in the store, V(reuse) for one that is copied from another place in the store or in the
            image, V(fetch) for one that is fetched.
          returned: always
          type: str
          sample: fetch
    plan:
      description: >-
        Number of layers by action, and compressed bytes of the layers to fetch. In check mode what a run would do; of schema 1, where the
        registry tells no sizes of blobs, without those.
      returned: always; null where the pull failed
      type: dict
      sample: {keep: 1, reuse: 0, fetch: 2, bytes: 51380224}
    source:
      description: The endpoint that served the image; null when none was asked.
      returned: always
      type: str
      sample: registry.example.com/base/debian
    credentials:
      description: >-
        What gave the credentials for RV(images[].source): the path of a file, C(docker-credential-NAME), or V(the options of the task);
        null where there were none, or nobody was asked.
      returned: always
      type: str
      sample: /run/containers/0/auth.json
    accepted_by:
      description: The requirement of the policy that the image met, with the scope it stands under; null when the policy was not asked.
      returned: always
      type: str
      sample: insecureAcceptAnything (default)
    verified:
      description: Each requirement of the policy that verified a signature of the image, with who made it; empty where none did.
      returned: always
      type: list
      elements: dict
      contains:
        requirement:
          description: The type of the requirement.
          returned: always
          type: str
          sample: signedBy
        signer:
          description: The key or certificate, as text.
          returned: always
          type: str
          sample: OpenPGP key 7CD878F0FD01B37084B6598A6E6D189A1BAA99A9
    bytes_downloaded:
      description: Bytes of layers that came over the network, in failed attempts too.
      returned: always
      type: int
      sample: 51380224
    error:
      description: As RV(error), for this image; null where all went well.
      returned: always
      type: dict
      sample: null
image:
  description: The entry of RV(images) when one image was asked for.
  returned: when O(name) has one entry
  type: dict
  sample: {id: 6e30ab57aeeef1ebca8ac5a6ea05b5dd39d54990be94e7be18bb969a02d10a3f, names: [registry.example.com/base/debian:12]}
plan:
  description: The plans of all images together.
  returned: with RV(images)
  type: dict
  sample: {keep: 1, reuse: 0, fetch: 2, bytes: 51380224}
bytes_downloaded:
  description: Bytes of layers that came over the network for all images.
  returned: with RV(images)
  type: int
  sample: 51380224
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
      sample: registry.example.com/base/debian:13
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
  sample: [{action: fetched, object: a3c3bfbfe562, bytes: 51380224}]
"""

from ansible_collections.strata.containers.plugins.module_utils._module.begin import run_module
from ansible_collections.strata.containers.plugins.module_utils._module.image_pull import CONSTRAINTS, OPTIONS, verb


def main() -> None:
    run_module(OPTIONS, verb, **CONSTRAINTS)


if __name__ == "__main__":
    main()
