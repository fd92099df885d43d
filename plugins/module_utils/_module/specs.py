# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The argument specs that modules share; each has a doc fragment of the same name."""

from __future__ import annotations

from typing import Any

Spec = dict[str, dict[str, Any]]

STORE: Spec = {
    "root": {"type": "path"},
    "runroot": {"type": "path"},
    "driver": {"type": "str"},
    "driver_options": {"type": "list", "elements": "str", "aliases": ["storage_opts"]},
    "storage_conf": {"type": "path"},
}

REGISTRY: Spec = {
    "authfile": {"type": "path", "aliases": ["auth_file"]},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "validate_certs": {"type": "bool", "aliases": ["tls_verify", "tlsverify"]},
    "cert_dir": {"type": "path", "aliases": ["ca_cert_dir"]},
    "registries_conf": {"type": "path"},
    "timeout": {"type": "int", "default": 60},
    "retries": {"type": "int", "default": 3, "aliases": ["retry"]},
    "retry_delay": {"type": "float", "default": 1.0},
}

POLICY: Spec = {
    "signature_policy": {"type": "path"},
    "registries_d": {"type": "path"},
    "require_signed": {"type": "bool", "default": False},
}


def merged(*specs: Spec) -> Spec:
    """One spec with the options of all; raises ValueError where two define the same option."""
    result: Spec = {}
    for spec in specs:
        for option, definition in spec.items():
            if option in result:
                raise ValueError(f"the option {option} is defined twice")
            result[option] = definition
    return result
