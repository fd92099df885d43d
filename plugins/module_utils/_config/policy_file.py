# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Where the signature policy is (containers-policy.json(5)); what it says is for ``_trust``."""

from __future__ import annotations

import os

from .._errors import HostError
from .._host.atomic_files import read_file
from .paths import ConfigPaths
from .toml_file import SIZE_LIMIT


class NoPolicy(HostError):
    """There is no signature policy, and none is ever invented."""

    code = "no_policy"


def find_policy(paths: ConfigPaths, explicit: str | None) -> tuple[str, bytes]:
    """The path of the policy file that applies, and its content.

    A file that exists and cannot be read is an error, never a reason to take the next. Raises NoPolicy and HostError.
    """
    path = policy_path(paths, explicit)
    data = policy_content(path)
    if data is None:
        searched = (path,) if explicit else tuple(dict.fromkeys((_users(paths), path)))
        raise NoPolicy(
            f"no signature policy found at {' or '.join(searched)}, and without one no image is accepted; "
            "the role strata.containers.host_config installs one",
            subject=path,
        )
    return path, data


def policy_path(paths: ConfigPaths, explicit: str | None) -> str:
    """The path of the policy file that applies, whether it is there or not.

    That is ``explicit`` (unless None or empty), else ``~/.config/containers/policy.json``, for root too and whatever
    XDG_CONFIG_HOME says, where there is such a file, else ``/etc/containers/policy.json``.
    """
    if explicit:
        return explicit
    users = _users(paths)
    # Follows links: a dangling one, or a directory that cannot be searched, counts as absent, as in containers/image.
    return users if os.path.exists(users) else paths.in_system("/etc/containers/policy.json")


def policy_content(path: str) -> bytes | None:
    """The content of the policy file ``path``, None where there is none. Raises HostError."""
    return read_file(path, SIZE_LIMIT)


def _users(paths: ConfigPaths) -> str:
    return paths.in_home(".config/containers/policy.json")
