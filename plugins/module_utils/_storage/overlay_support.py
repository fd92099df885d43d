# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Whether the kernel's overlay works on a file system, tried out, and what it does by default, as the kernel says."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence

from .._errors import HostError
from .._host.filesystem import backing_filesystem, supports_d_type
from .._host.machine import in_user_namespace, module_parameter
from .._host.mounts import MountFailed, mount
from .._host.os_errors import PermissionDenied, reporting
from .._host.private_thread import with_own_mounts
from .._host.xattrs import set_xattr
from .layout import Layout
from .overlay_data import METACOPY, OverlayStack, mount_arguments

# Where the kernel's overlay keeps what it notes: in a user namespace nobody may write the former.
_TRUSTED, _USER = b"trusted.overlay.", b"user.overlay."
# The word that has it look there (Linux 5.11).
USER_XATTRS = "userxattr"

# What upstream's driver refuses without trying.
_NEVER = ("aufs", "ecryptfs", "overlayfs")
_MODULE = "overlay"
_REDIRECT = "redirect_dir="


class OverlayUnsupported(HostError):
    """The kernel's overlay does not work here."""

    code = "overlay_unsupported"


class LimitUnsupported(HostError):
    """The containers of the store shall have a limited size, and cannot here."""

    code = "quota_unsupported"


def limit_unsupported(layout: Layout, option: str) -> LimitUnsupported:
    """The error for a driver option that limits the size of containers.

    Upstream sets such limits with the project quotas of XFS and refuses the option on every other file system; this
    engine does not set them yet. Raises HostError.
    """
    found = backing_filesystem(layout.graph_root)
    if found == "xfs":
        return LimitUnsupported("this engine sets no project quotas yet", subject=option, found=layout.graph_root)
    return LimitUnsupported(
        "the size of containers can be limited by project quotas of XFS only",
        subject=option,
        wanted="xfs",
        found=f"{found} at {layout.graph_root}",
    )


def can_never_stack(layout: Layout) -> bool:
    """Whether the kernel can stack no layers on the file system of the store. Only reads. Raises HostError."""
    return backing_filesystem(layout.driver_home) in _NEVER


def try_overlay(directory: str) -> None:
    """Mounts an overlay inside the empty ``directory`` and looks whether it hides what it should; root only.

    The mount is made where no other process sees it, and is gone at the end, whatever happens; the files in ``directory``
    stay. Raises OverlayUnsupported naming the file system, and PermissionDenied where the process may not mount.
    """
    if backing_filesystem(directory) in _NEVER:
        raise _unsupported(directory, "it does not lie on this kind")
    if not supports_d_type(directory):
        raise _unsupported(directory, "its directories do not tell the type of their entries (d_type)")
    stack, target = _prepare(directory)
    data, flags = mount_arguments(stack, words_of_namespace(), "")

    def look() -> list[str]:
        mount("overlay", target, "overlay", flags, data)
        with reporting("list", target):
            return [name for _path, folders, files in os.walk(target) for name in folders + files]

    try:
        seen = with_own_mounts(look)
    except MountFailed as error:
        raise _explained(error, directory) from error
    if seen != ["opaque"]:
        raise _unsupported(directory, f"whiteouts have no effect: {', '.join(sorted(seen))} can be seen")


def opaque_xattr() -> bytes:
    """The attribute by which a directory hides all that is below it, in the namespace of this process."""
    return (_USER if in_user_namespace() else _TRUSTED) + b"opaque"


def words_of_namespace() -> tuple[str, ...]:
    """The mount options that the namespace of this process makes necessary."""
    return (USER_XATTRS,) if in_user_namespace() else ()


def uses_redirects(options: Sequence[str]) -> bool:
    """Whether the kernel, with these mount options, keeps renamed directories as redirects to lower layers."""
    for option in reversed(options):
        if option.startswith(_REDIRECT):
            return option == f"{_REDIRECT}on"
    return uses_metacopy(options) or module_parameter(_MODULE, "redirect_dir") == "Y"


def uses_metacopy(options: Sequence[str]) -> bool:
    """Whether the kernel, with these mount options, copies up a file's attributes without its content."""
    for option in reversed(options):
        if option.startswith("metacopy="):
            return option == METACOPY and knows_metacopy()
    return module_parameter(_MODULE, "metacopy") == "Y"


def knows_metacopy() -> bool:
    """Whether the kernel knows the option ``metacopy`` (Linux 4.19); so it is taken to be while the module is not loaded."""
    return module_parameter(_MODULE, "metacopy") is not None or module_parameter(_MODULE, "redirect_dir") is None


def _prepare(directory: str) -> tuple[OverlayStack, str]:
    """Two layers of which the upper hides, by a whiteout and by an opaque directory, all files of the lower."""
    lower, upper, work, target = (os.path.join(directory, name) for name in ("lower", "upper", "work", "merged"))
    with reporting("make files in", directory):
        for path in (work, target, os.path.join(lower, "opaque", "hidden"), os.path.join(upper, "opaque")):
            os.makedirs(path)
        os.mkdir(os.path.join(lower, "removed"))
        os.mknod(os.path.join(upper, "removed"), stat.S_IFCHR, os.makedev(0, 0))
    try:
        set_xattr(os.path.join(upper, "opaque"), opaque_xattr(), b"y")
    except PermissionDenied:
        raise
    except HostError as error:
        raise _unsupported(directory, error.message) from error
    return OverlayStack((lower,), upper, work), target


def _explained(error: MountFailed, directory: str) -> HostError:
    if error.error_number in (errno.EPERM, errno.EACCES):
        return PermissionDenied(error.message, subject=directory)
    if error.error_number == errno.ENODEV:
        return _unsupported(directory, "the kernel has no overlay file system")
    return _unsupported(directory, error.message)


def _unsupported(directory: str, reason: str) -> OverlayUnsupported:
    return OverlayUnsupported(
        f"overlay cannot be used on this file system: {reason}",
        subject=directory,
        found=backing_filesystem(directory),
    )
