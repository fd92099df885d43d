# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The text of a file with credentials after a change; everything else in it stays as it is.

As podman writes it: indented by tabs, entries in the order of their keys, no line break at the end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from .auth_file import AuthFile, encode

# What of an entry would be other credentials, beside the new ones.
_CREDENTIALS = frozenset({"auth", "username", "password", "identitytoken", "registrytoken"})


def with_login(file: AuthFile, key: str, username: str, password: str) -> bytes:
    """The content with these credentials under ``key``, instead of others."""
    return _with_entry(file, key, {"auth": encode(username, password)})


def with_marker(file: AuthFile, key: str) -> bytes:
    """The content with an entry under ``key`` that holds nothing, as docker leaves one beside a helper."""
    return _with_entry(file, key, {})


def without(file: AuthFile, keys: Iterable[str]) -> bytes:
    """The content without the entries under ``keys``."""
    removed = frozenset(keys)
    return _rendered(file, {key: entry for key, entry in file.auths().values.items() if key not in removed})


def _with_entry(file: AuthFile, key: str, credentials: Mapping[str, str]) -> bytes:
    auths = file.auths()
    kept = {name: value for name, value in auths.table(key).values.items() if name not in _CREDENTIALS}
    return _rendered(file, {**auths.values, key: {**credentials, **kept}})


def _rendered(file: AuthFile, auths: Mapping[str, Any]) -> bytes:
    values = {**file.values, "auths": dict(sorted(auths.items()))}
    return json.dumps(values, ensure_ascii=False, indent="\t").encode("utf-8")
