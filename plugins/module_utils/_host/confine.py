# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Takes rights away from the calling process: namespaces, root directory, capabilities, Landlock, limits.

One small function a measure, with the constants under the kernel's names. Each raises OSError when the kernel refuses; which
measures a caller can do without is the caller's decision.
"""

from __future__ import annotations

import ctypes
import os
import resource
import struct
from collections.abc import Collection, Iterable

from .syscalls import call, system_call

# <linux/sched.h>
CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

# <sys/mount.h>
_MNT_DETACH = 2

# <linux/prctl.h>
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38

# <linux/capability.h>
CAP_CHOWN = 0
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
CAP_FOWNER = 3
CAP_FSETID = 4
CAP_SYS_ADMIN = 21
CAP_MKNOD = 27
CAP_SETFCAP = 31
_LINUX_CAPABILITY_VERSION_3 = 0x20080522
# The version, and the process: 0 is the calling one.
_CAPABILITY_HEADER = struct.pack("=Ii", _LINUX_CAPABILITY_VERSION_3, 0)
# The sets of capset(2) have 64 bits; the kernel says EINVAL beyond the last one that it knows.
_CAPABILITIES = range(64)

# <linux/landlock.h>. Calls of this age have the same number on every architecture.
_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_ADD_RULE = 445
_LANDLOCK_RESTRICT_SELF = 446
_LANDLOCK_CREATE_RULESET_VERSION = 1
_LANDLOCK_RULE_PATH_BENEATH = 1
_ACCESS_FS_EXECUTE = 1 << 0
_ACCESS_FS_MAKE_SOCK = 1 << 9
_ACCESS_FS_IOCTL_DEV = 1 << 15
# Number of rights to files that each version of the interface knows, from the second on: later ones added none so far.
_FS_RIGHTS = {2: 14, 3: 15, 4: 15}
_FS_RIGHTS_SINCE_5 = 16
_NET_RIGHTS = 0b11  # bind and connect TCP, since version 4
_SCOPES = 0b11  # abstract UNIX sockets and signals, since version 6


def unshare(flags: int) -> None:
    """Moves the process into new namespaces; into a new PID namespace only the children that it makes from now on."""
    call("unshare", ctypes.c_int(flags))


def die_with_parent(signal: int) -> None:
    """Has the kernel send ``signal`` when the thread that forked this process ends."""
    _prctl(_PR_SET_PDEATHSIG, signal)


def forbid_new_privileges() -> None:
    """From now on no program that this process executes gains rights."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def forbid_tracing() -> None:
    """Keeps other processes of the same user from reading this one's memory; no core dump either."""
    _prctl(_PR_SET_DUMPABLE, 0)


def pivot_root(directory: str) -> None:
    """Makes the mount point ``directory`` the root directory, and takes the old one out of this mount namespace.

    Nothing outside has a name any more, and no file system that is unmounted elsewhere is kept busy here.
    """
    os.chdir(directory)
    # pivot_root(2): with both arguments "." the old root lies on top of the new one, where it can be unmounted.
    call("pivot_root", b".", b".")
    call("umount2", b".", ctypes.c_int(_MNT_DETACH))
    os.chdir("/")


def change_root(directory: str) -> None:
    """Makes ``directory`` the root directory and the working directory; open descriptors are not touched."""
    os.chdir(directory)
    os.chroot(".")


def drop_bounding_set() -> None:
    """Takes every capability out of reach of what this process executes."""
    for capability in _CAPABILITIES:
        try:
            _prctl(_PR_CAPBSET_DROP, capability)
        except OSError:
            if capability == 0:
                raise
            return


def capability_sets(keep: Iterable[int]) -> bytes:
    """What ``set_capabilities`` takes: those of ``keep`` that this process has, and nothing to inherit."""
    wanted = sum(1 << capability for capability in set(keep))
    sets = ctypes.create_string_buffer(24)
    call("capget", _CAPABILITY_HEADER, sets)
    _effective, permitted, _inheritable, _effective_high, permitted_high, _inheritable_high = struct.unpack("=6I", sets)
    low, high = wanted & permitted, (wanted >> 32) & permitted_high
    return struct.pack("=6I", low, low, 0, high, high, 0)


def set_capabilities(sets: bytes) -> None:
    """Gives this process exactly the capabilities of ``sets``, for good."""
    call("capset", _CAPABILITY_HEADER, sets)


def limit_memory(size: int) -> None:
    """No core dump, and at most ``size`` bytes of address space."""
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_AS, size)


def limit_descriptors(count: int) -> None:
    """No descriptor from the number ``count`` on can be made."""
    _lower(resource.RLIMIT_NOFILE, count)


def close_inherited(keep: Collection[int]) -> None:
    """Closes every descriptor that is open but those in ``keep``."""
    close_descriptors(keep, 1 + max(map(int, os.listdir("/proc/self/fd"))))


def close_descriptors(keep: Collection[int], end: int) -> None:
    """Closes every descriptor below ``end`` but those in ``keep``."""
    start = 0
    for descriptor in sorted({*keep, end}):
        # closerange(0, 0) closes everything: since Python 3.11 it becomes close_range(0, -1).
        if start < descriptor:
            os.closerange(start, descriptor)
        start = descriptor + 1


def landlock_version() -> int:
    """The version of the kernel's Landlock interface. Raises OSError where it has none, or it is switched off."""
    return system_call(
        _LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(_LANDLOCK_CREATE_RULESET_VERSION)
    )


def landlock_rights(version: int) -> tuple[int, ...]:
    """The rights to rule out: to files, to TCP ports, and scopes, as far as ``version`` has them; none for the first.

    The first version cannot allow a hard link into another directory, and layers are full of them.
    """
    if version < 2:
        return ()
    files = (1 << _FS_RIGHTS.get(version, _FS_RIGHTS_SINCE_5)) - 1
    if version < 4:
        return (files,)
    return (files, _NET_RIGHTS) if version < 6 else (files, _NET_RIGHTS, _SCOPES)


def landlock_below_current_directory() -> str:
    """Allows this thread files below the working directory only: none to execute, no sockets, no device control.

    No TCP either, and no signal to processes outside. Returns what is in force. Raises OSError where there is no Landlock.
    """
    version = landlock_version()
    rights = landlock_rights(version)
    if not rights:
        return f"not used: version {version} cannot allow hard links"
    attributes = struct.pack(f"={len(rights)}Q", *rights)
    ruleset = system_call(_LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint(0))
    try:
        _allow_below_current_directory(ruleset, rights[0])
        system_call(_LANDLOCK_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint(0))
    finally:
        os.close(ruleset)
    return f"version {version}"


def _allow_below_current_directory(ruleset: int, rights: int) -> None:
    here = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        allowed = rights & ~(_ACCESS_FS_EXECUTE | _ACCESS_FS_MAKE_SOCK | _ACCESS_FS_IOCTL_DEV)
        rule = struct.pack("=Qi", allowed, here)
        system_call(
            _LANDLOCK_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_LANDLOCK_RULE_PATH_BENEATH), rule, ctypes.c_uint(0)
        )
    finally:
        os.close(here)


def _lower(limit: int, value: int) -> None:
    """Sets a limit for good; one that is lower already stays, for it cannot be raised."""
    _soft, hard = resource.getrlimit(limit)
    lower = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (lower, lower))


def _prctl(option: int, argument: int) -> None:
    zero = ctypes.c_ulong(0)
    call("prctl", ctypes.c_int(option), ctypes.c_ulong(argument), zero, zero, zero)
