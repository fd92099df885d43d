# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Mounting a stack of layers by a program such as fuse-overlayfs, and taking such a mount away.

The program gets the words that the kernel's overlay would get, and the mount point; it goes on in the background, and ends
when the mount is gone. See fuse-overlayfs(1), and ``get`` and ``Put`` in ``drivers/overlay/overlay.go``.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence

from .._errors import HostError
from .._host.commands import CommandRunner, CommandTimeout, Finished
from .._host.filesystem import sync_filesystem
from .._host.mountinfo import mount_at
from .._host.mounts import (
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_RDONLY,
    MountFailed,
    unmount,
)
from .overlay_data import OverlayStack, mount_arguments

# The flags that take something away from who uses the mount. The program knows them, and refuses or ignores others.
_FLAGS = {MS_RDONLY: "ro", MS_NODEV: "nodev", MS_NOSUID: "nosuid", MS_NOEXEC: "noexec"}
# What it says of each word that it does not know, and of some of its own.
_NOISE = b"unknown argument ignored:"
_LONGEST_OUTPUT = 500


class MountProgramFailed(HostError):
    """The program that should mount the layers did not."""

    code = "mount_program_failed"


def mount_words(stack: OverlayStack, options: Sequence[str], label: str) -> str:
    """The argument of ``-o`` for the program.

    Upstream leaves every flag out; those that forbid something are given here, so that they hold.
    """
    data, flags = mount_arguments(stack, options, label)
    return ",".join([data, *(word for flag, word in _FLAGS.items() if flags & flag)])


def mount_by_program(run: CommandRunner, program: str, words: str, target: str, timeout: float) -> None:
    """Has ``program`` mount at ``target``, and waits until it did, ``timeout`` seconds at most.

    The caller takes away what it may have left there after an error. Raises MountProgramFailed and HostError.
    """
    try:
        finished = run([program, "-o", words, target], b"", timeout)
    except CommandTimeout as error:
        raise MountProgramFailed(
            f"the mount program {program} did not end in time and was killed", subject=target, wanted=error.wanted
        ) from error
    if finished is None:
        raise MountProgramFailed(f"the mount program {program} is not there", subject=target)
    if finished.status:
        raise MountProgramFailed(
            f"the mount program {program} failed: {_said(finished)}", subject=target, found=_status(finished.status)
        )
    if mount_at(target) is None:
        raise MountProgramFailed(f"the mount program {program} mounted nothing: {_said(finished)}", subject=target)


def unmount_program(target: str) -> None:
    """Takes the topmost mount at ``target`` away, with all that was written through it in the layer's tree.

    The kernel keeps pages for the program; unmounting hands them over, but not while somebody uses the mount. Raises
    MountFailed.
    """
    try:
        unmount(target)
    except MountFailed as error:
        if error.error_number != errno.EBUSY:
            raise
        _hand_over(target)
        unmount(target, detach=True)


def _hand_over(target: str) -> None:
    try:
        sync_filesystem(target)
    except HostError as error:
        # A program that died takes nothing more.
        cause = error.__cause__
        if not isinstance(cause, OSError) or cause.errno != errno.ENOTCONN:
            raise


def _said(finished: Finished) -> str:
    """The last of what the program wrote, in one line."""
    lines = (line.strip() for line in (finished.errors or finished.output).splitlines())
    text = b"; ".join(line for line in lines if line and not line.startswith(_NOISE))
    return text[-_LONGEST_OUTPUT:].decode("utf-8", "replace") or "it said nothing"


def _status(status: int) -> str:
    return f"exit status {status}" if status > 0 else f"killed by signal {-status}"
