# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Whether SELinux is at work, so that labels mean something to the kernel."""

from __future__ import annotations

from collections.abc import Iterable

from .mountinfo import MountEntry, read_mounts

_OWN_LABEL = "/proc/thread-self/attr/current"
# The label of every process before a policy is loaded.
_NO_POLICY = "kernel"


def selinux_enabled() -> bool:
    """Whether the kernel takes SELinux labels, as upstream's library finds out. Raises HostError."""
    return labels_count(read_mounts(), _own_label())


def labels_count(mounts: Iterable[MountEntry], own_label: str) -> bool:
    """The same for a table of mounts and the label of a process: there is a writable selinuxfs, and a policy."""
    mounted = any(entry.fstype == "selinuxfs" and not entry.read_only for entry in mounts)
    return mounted and own_label != _NO_POLICY


def _own_label() -> str:
    """The label of this process, empty where the kernel has none to tell."""
    try:
        with open(_OWN_LABEL, encoding="utf-8", errors="replace") as stream:
            return stream.read().rstrip("\0\n")
    except OSError:
        return ""
