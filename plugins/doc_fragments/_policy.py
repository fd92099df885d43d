# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that say which images are accepted; the spec is _module/specs.POLICY."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  signature_policy:
    description:
      - The signature policy to apply.
      - When unset, C(~/.config/containers/policy.json) of the user who runs the task, else C(/etc/containers/policy.json).
      - There is no built-in policy. The role P(strata.containers.host_config#role) installs one.
    type: path
  registries_d:
    description:
      - Directory of YAML files (C(*.yaml)) that say where the signatures of images are kept (C(containers-registries.d(5\))).
      - When unset, C(~/.config/containers/registries.d) where it exists, else C(/etc/containers/registries.d).
      - >-
        Where no file speaks of an image, its signatures are looked for below C(/var/lib/containers/sigstore), or below
        C(~/.local/share/containers/sigstore) by other users than root. A registry that gives out signatures itself
        (C(X-Registry-Supports-Signatures)) is asked for them instead. Sigstore signatures that lie beside an image in its registry are
        read with C(use-sigstore-attachments) only.
      - >-
        A web server of signatures is connected to with the certificates and the checks of the registry, and sent no credentials. So an
        insecure registry means an insecure place of signatures.
      - For an image that comes from a mirror, the files are asked about the name at the mirror, the policy about the name of the task.
    type: path
  require_signed:
    description:
      - Refuse an image unless a requirement of the policy verified a signature of it, whatever else the policy accepts.
    type: bool
    default: false
requirements:
  - gpg on the target, where the policy has a requirement C(signedBy)
  - Python library cryptography (38 or later) on the target, where the policy has a requirement C(sigstoreSigned)
  - >-
    Python library PyYAML on the target, where there are files in C(registries.d). Without it an image is refused where the policy requires a
    signature, and pulled without its signatures, with a warning, where it requires none
"""
