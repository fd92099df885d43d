# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Why a member of a layer could not be written: the archive's fault or the machine's, and what of the member was wanted."""

from __future__ import annotations

import errno

from .._errors import StrataError
from .._host.os_errors import host_error
from .._layer.tar_header import BLOCK_DEVICE, CHARACTER_DEVICE, HARD_LINK, SYMBOLIC_LINK, TarMember, UnsafeLayer

# Errors that tell of the machine, not of the archive.
HOST_FAULTS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EINTR}
)


class EntryFailed(UnsafeLayer):
    """A member of the archive cannot become a file of the layer."""

    code = "unsafe_layer"


def entry_failed(member: TarMember, error: Exception) -> EntryFailed:
    """The error that says that ``member`` could not be written because of ``error``, and what it is."""
    message = f"a member of the layer cannot be unpacked: {_reason(error)}"
    return EntryFailed(message, subject=text(member.name), found=_kind(member))


def attribute_failed(
    name: bytes, path: bytes, error: Exception, *, more_faults: frozenset[int] = frozenset()
) -> StrataError:
    """The error that says that the extended attribute ``name`` of ``path`` could not be set because of ``error``.

    Of ``more_faults`` the machine is to blame too.
    """
    if isinstance(error, OSError) and error.errno in HOST_FAULTS | more_faults:
        return host_error(error, f"set the attribute {text(name)}", text(path))
    return EntryFailed(f"the attribute {text(name)} cannot be set: {_reason(error)}", subject=text(path))


def text(name: bytes) -> str:
    """A name as text: escapes stand for what is not UTF-8."""
    return name.decode("utf-8", "backslashreplace")


def _kind(member: TarMember) -> str:
    """What ``member`` is, where the system call takes more of it than its name."""
    if member.type == HARD_LINK:
        return f"a hard link to {text(member.linkname) or 'nothing'}"
    if member.type == SYMBOLIC_LINK:
        return f"a symbolic link to {text(member.linkname[:100]) or 'nothing'}"
    if member.type in (CHARACTER_DEVICE, BLOCK_DEVICE):
        return f"a device of the number {member.devmajor}:{member.devminor}"
    return ""


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
