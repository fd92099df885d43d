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
      - Directory that says where signatures of a registry are kept.
      - This release knows the requirements C(insecureAcceptAnything) and C(reject), which need no signatures, so nothing is read from it yet.
    type: path
  require_signed:
    description:
      - Refuse an image unless a requirement of the policy verified a signature of it.
      - This release verifies no signatures, so V(true) refuses every image.
    type: bool
    default: false
"""
