# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The attributes that every module of the collection has."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
requirements:
  - Python 3.9 or later on the target
attributes:
  check_mode:
    description: Can run in C(check_mode) and return what a run would change without changing it.
    support: full
  diff_mode:
    description: Returns what has changed (or would change), before and after, when in diff mode.
    support: full
  idempotent:
    description: A second run with the same options on the same state changes nothing and writes nothing.
    support: full
  platform:
    description: The operating systems of targets.
    support: full
    platforms: linux
  action_group:
    description: >-
      Use C(group/strata.containers.all) in C(module_defaults) to set defaults for this module. The groups C(strata.containers.store) and
      C(strata.containers.registry) have the modules with the options of the store, and those with the options of registries.
    support: full
    membership:
      - strata.containers.all
"""

    # For modules that read and never change anything.
    INFO = r"""
options: {}
requirements:
  - Python 3.9 or later on the target
attributes:
  check_mode:
    description: Can run in C(check_mode); it reads only, so the result is the same.
    support: full
  diff_mode:
    description: Returns what has changed (or would change), before and after, when in diff mode.
    support: N/A
  idempotent:
    description: A second run with the same options on the same state changes nothing and writes nothing.
    support: full
  platform:
    description: The operating systems of targets.
    support: full
    platforms: linux
  action_group:
    description: >-
      Use C(group/strata.containers.all) in C(module_defaults) to set defaults for this module. The groups C(strata.containers.store) and
      C(strata.containers.registry) have the modules with the options of the store, and those with the options of registries.
    support: full
    membership:
      - strata.containers.all
"""
