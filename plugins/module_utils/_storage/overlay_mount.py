# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Mounting an overlay whatever the length of its words, and with those words only that this kernel takes."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

from .._errors import HostError
from .._host.mounts import MountFailed, fits, mount, unmount
from .._host.os_errors import NoSpace, free_room, reporting
from .._host.private_thread import in_directory
from .._host.selinux import selinux_enabled
from .overlay_data import VOLATILE, OverlayStack, mount_arguments

_OPEN_LOWER = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_OWN_DESCRIPTORS = "/proc/self/fd"
# The kernel makes two directories, which take a block each on most file systems; below this it may have failed for that.
_ROOM_FOR_DIRECTORIES = 1 << 16


def effective_label(label: str) -> str:
    """The SELinux label, or none where the kernel would refuse to mount with one. Raises HostError."""
    return label if label and selinux_enabled() else ""


def mount_overlay(stack: OverlayStack, options: Sequence[str], label: str, target: str, volatile: bool) -> None:
    """Mounts the stack at ``target``; with ``volatile`` such that nothing is synced, where the kernel has that.

    A stack with an upper directory is writable then, or not mounted. Raises NoSpace where the disk is too full for that,
    MountFailed, and HostError where a lower layer cannot be opened.
    """
    if not (volatile and VOLATILE not in options and _mounts_volatile(stack, options, label, target)):
        _mount(stack, options, label, target)
    if stack.upper is not None and _is_read_only(target):
        unmount(target, detach=True)
        raise _not_writable(target, stack.upper)


def _is_read_only(target: str) -> bool:
    """Whether nothing can be written: a kernel that cannot make its working directory says so in its log only."""
    with reporting("look at the mount at", target):
        return bool(os.statvfs(target).f_flag & os.ST_RDONLY)


def _not_writable(target: str, upper: str) -> HostError:
    with reporting("ask for the free space of", upper):
        facts = os.statvfs(upper)
    if facts.f_bavail * facts.f_frsize >= _ROOM_FOR_DIRECTORIES and (facts.f_favail or not facts.f_files):
        return MountFailed("mount overlay to be written", target, errno.EROFS)
    return NoSpace(
        "cannot mount overlay to be written: the kernel has no room for its working directory",
        subject=target,
        wanted="more room",
        found=free_room(upper),
    )


def _mounts_volatile(stack: OverlayStack, options: Sequence[str], label: str, target: str) -> bool:
    """Mounts with the option ``volatile`` too, and tells whether the kernel did; it refuses words that it does not know."""
    try:
        _mount(stack, (*options, VOLATILE), label, target)
    except MountFailed as error:
        if error.error_number != errno.EINVAL:
            raise
        # Linux before 5.10; if it was another word, the mount without this one fails too.
        return False
    return True


def _mount(stack: OverlayStack, options: Sequence[str], label: str, target: str) -> None:
    data, flags = mount_arguments(stack, options, label)
    if fits(data):
        mount("overlay", target, "overlay", flags, data)
    else:
        _mount_by_descriptors(stack, options, label, target)


def _mount_by_descriptors(stack: OverlayStack, options: Sequence[str], label: str, target: str) -> None:
    """Mounts with the lower directories named by the numbers under which this process has them open.

    The kernel takes one page of data, about 40 layers by their paths; numbers do for as many as it can stack.
    """
    descriptors: list[int] = []
    try:
        for lower in stack.lowers:
            with reporting("open the lower layer", lower):
                descriptors.append(os.open(lower, _OPEN_LOWER))
        numbers = tuple(str(descriptor) for descriptor in descriptors)
        data, flags = mount_arguments(OverlayStack(numbers, stack.upper, stack.work), options, label)
        in_directory(_OWN_DESCRIPTORS, lambda: mount("overlay", target, "overlay", flags, data))
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
