# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The directories of a store, made where they are missing."""

from __future__ import annotations

import os
from collections.abc import Callable

from .._errors import HostError
from .._host.os_errors import PermissionDenied, reporting
from .layout import Layout


class NotRoot(HostError):
    """Only root, or the user to whom the store belongs, may change it."""

    code = "not_root"


def prepare_store(layout: Layout) -> None:
    """Makes every directory that the store lacks, with its mode whatever the umask; the others stay as they are.

    Raises NotRoot, and HostError (``no_space``, ``permission_denied``).
    """
    missing = [(path, mode) for path, mode in layout.all_directories() if not os.path.isdir(path)]
    if not missing:
        return
    check_writable(layout)
    for path, mode in missing:
        make_directory(path, mode)


def check_writable(layout: Layout, owns: Callable[[int, int], bool] | None = None) -> None:
    """Raises NotRoot or PermissionDenied where this process may not write below the graph root or run root.

    Of a root that does not exist the nearest directory above decides. For a user who is not root all that is there already
    must be writable: what another user has put there would be found in the middle of the work. ``owns`` tells of a user ID and
    a group ID whether they are the user's, too, in the namespace where the work is done: podman leaves a directory of the run
    root to the root of the last container with ID maps.
    """
    for root in (layout.graph_root, layout.run_root):
        existing = os.path.abspath(root)
        while not os.path.lexists(existing):
            existing = os.path.dirname(existing)
        _check_access(root, existing, os.W_OK | os.X_OK)
    if os.geteuid() == 0:
        return
    for path, _mode in layout.all_directories():
        if os.path.lexists(path) and not _is_owned(path, owns):
            _check_access(path, path, os.R_OK | os.W_OK | os.X_OK)
    for path in (*layout.record_files, *layout.lock_files):
        if os.path.lexists(path):
            _check_access(path, path, os.R_OK | os.W_OK)


def _is_owned(path: str, owns: Callable[[int, int], bool] | None) -> bool:
    status = os.lstat(path)
    return owns is not None and status.st_uid != os.geteuid() and owns(status.st_uid, status.st_gid)


def _check_access(subject: str, existing: str, mode: int) -> None:
    if os.access(existing, mode, effective_ids=True):
        return
    if os.geteuid() == 0:
        raise PermissionDenied("the store cannot be written", subject=subject, found=f"{existing} is not writable")
    raise NotRoot(
        "this store can only be changed with the rights of its owner",
        subject=subject,
        wanted=f"write permission for {existing}",
        found=f"user ID {os.geteuid()} has none",
    )


def make_directory(path: str, mode: int = 0o700) -> None:
    """Makes the directory ``path`` with ``mode`` whatever the umask; one that is there is left alone.

    Missing directories above it get mode 0700. Raises HostError.
    """
    if os.path.isdir(path):
        return
    parent = os.path.dirname(path)
    if parent != path:
        make_directory(parent, 0o700)
    with reporting("make the directory", path):
        try:
            os.mkdir(path, mode)
        except FileExistsError:
            # Another process was faster; anything but a directory is an error.
            if os.path.isdir(path):
                return
            raise
        os.chmod(path, mode)
