# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hostile code in the place of the unpacker: each task tries one way out, and says how far it got.

The tasks run in the confined child as code would that a layer had taken over: with the interpreter, ctypes and every right
that the child has kept. What they need of the outside was noted before the change of root, by ``prepare``.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import socket
import stat
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.strata.containers.plugins.module_utils._host.pipes import read_chunks
from ansible_collections.strata.containers.plugins.module_utils._host.zygote import Task
from ansible_collections.strata.containers.plugins.module_utils._storage.unpack_child import TASKS as REAL_TASKS

CLONE_NEWUSER = 0x10000000
_LIBC = ctypes.CDLL(None, use_errno=True)
_LEAKED: list[int] = []


def prepare() -> None:
    """Leaves descriptors open, as a careless import would."""
    _LEAKED.append(os.open("/", os.O_RDONLY | os.O_DIRECTORY))
    _LEAKED.append(os.open("/etc/passwd", os.O_RDONLY))


def _call(name: str, *arguments: Any) -> None:
    if getattr(_LIBC, name)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), name)


def connect_tcp(orders: dict[str, Any]) -> None:
    with socket.socket() as connection:
        connection.connect(("127.0.0.1", orders["port"]))


def connect_tcp6(orders: dict[str, Any]) -> None:
    with socket.socket(socket.AF_INET6) as connection:
        connection.connect(("::1", orders["port"]))


def send_datagram(orders: dict[str, Any]) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as connection:
        connection.sendto(b"secret", ("127.0.0.1", orders["port"]))


def connect_abstract_socket(orders: dict[str, Any]) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("\0" + orders["abstract"])


def connect_named_socket(orders: dict[str, Any]) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(orders["named"])


def read_absolute_path(orders: dict[str, Any]) -> None:
    with open(orders["secret"], "rb") as stream:
        stream.read()


def read_climbing_path(orders: dict[str, Any]) -> None:
    with open("../" * 30 + orders["secret"].lstrip("/"), "rb") as stream:
        stream.read()


def read_neighbour(orders: dict[str, Any]) -> None:
    with open("../neighbour/file", "rb") as stream:
        stream.read()


def read_through_symbolic_link(orders: dict[str, Any]) -> None:
    os.symlink("../" * 30 + orders["secret"].lstrip("/"), "way-out")
    with open("way-out", "rb") as stream:
        stream.read()


def read_memory_of_caller(orders: dict[str, Any]) -> None:
    with open(f"/proc/{orders['caller']}/mem", "rb") as stream:
        stream.read(1)


def mount_proc(orders: dict[str, Any]) -> None:
    os.mkdir("proc")
    _call("mount", b"proc", b"/proc", b"proc", ctypes.c_ulong(0), None)


def use_leaked_directory(orders: dict[str, Any]) -> None:
    os.stat("etc/passwd", dir_fd=_LEAKED[0])


def use_leaked_file(orders: dict[str, Any]) -> None:
    os.read(_LEAKED[1], 1)


def use_any_descriptor(orders: dict[str, Any]) -> None:
    for descriptor in range(3, 4096):
        try:
            mode = os.fstat(descriptor).st_mode
        except OSError:
            continue
        if not stat.S_ISFIFO(mode):
            return
    raise OSError(errno.EBADF, "nothing but pipes is open")


def change_root_again(orders: dict[str, Any]) -> None:
    os.mkdir("inner")
    os.chroot("inner")
    for _level in range(30):
        os.chdir("..")
    os.chroot(".")


def make_namespaces(orders: dict[str, Any]) -> None:
    _call("unshare", 0x00020000)


def make_user_namespace_and_root(orders: dict[str, Any]) -> None:
    """A user namespace gives all capabilities inside; with them comes a second change of root."""
    _call("unshare", CLONE_NEWUSER)
    os.mkdir("inner")
    os.chroot("inner")


def kill_caller(orders: dict[str, Any]) -> None:
    os.kill(orders["caller"], 0)


def kill_zygote(orders: dict[str, Any]) -> None:
    parent = os.getppid()
    os.kill(parent or 1, 9)
    # The first process of a PID namespace takes no signal from inside: the call works, and does nothing.
    raise OSError(errno.EPERM, "no effect")


def trace_zygote(orders: dict[str, Any]) -> None:
    _call("ptrace", ctypes.c_long(16), ctypes.c_long(os.getppid() or 1), None, None)


def open_disk(orders: dict[str, Any]) -> None:
    os.mknod("disk", stat.S_IFBLK | 0o600, orders["disk"])
    os.close(os.open("disk", os.O_RDWR))


def open_device(orders: dict[str, Any]) -> None:
    """The most harmless of all devices: if this one opens, any does."""
    os.mknod("null", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    os.close(os.open("null", os.O_RDWR))


def run_program(orders: dict[str, Any]) -> None:
    with open("program", "wb") as stream:
        stream.write(b"\x7fELF" + bytes(60))
    os.chmod("program", 0o4755)
    os.execv("/program", ["program"])


def regain_capabilities(orders: dict[str, Any]) -> None:
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    _call("capset", header, (ctypes.c_uint32 * 6)(*[0xFFFFFFFF] * 6))


def set_trusted_attribute(orders: dict[str, Any]) -> None:
    os.setxattr("/", "trusted.overlay.opaque", b"y")


def raise_limits(orders: dict[str, Any]) -> None:
    try:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except ValueError as error:
        raise OSError(errno.EPERM, str(error)) from error


def take_much_memory(orders: dict[str, Any]) -> None:
    try:
        bytearray(4 << 30)
    except MemoryError as error:
        raise OSError(errno.ENOMEM, "refused") from error


def set_host_name(orders: dict[str, Any]) -> None:
    _call("sethostname", b"taken", ctypes.c_size_t(5))


ATTACKS: tuple[Callable[[dict[str, Any]], None], ...] = (
    connect_tcp,
    connect_tcp6,
    send_datagram,
    connect_abstract_socket,
    connect_named_socket,
    read_absolute_path,
    read_climbing_path,
    read_neighbour,
    read_through_symbolic_link,
    read_memory_of_caller,
    mount_proc,
    use_leaked_directory,
    use_leaked_file,
    use_any_descriptor,
    change_root_again,
    make_namespaces,
    make_user_namespace_and_root,
    kill_caller,
    kill_zygote,
    trace_zygote,
    open_disk,
    open_device,
    run_program,
    regain_capabilities,
    set_trusted_attribute,
    raise_limits,
    take_much_memory,
    set_host_name,
)


def _task(attack: Callable[[dict[str, Any]], None]) -> Task:
    def run(descriptors: Sequence[int], _options: Mapping[str, Any]) -> dict[str, Any]:
        orders = json.loads(b"".join(read_chunks(descriptors[0])))
        try:
            attack(orders)
        except OSError as error:
            return {"refused": errno.errorcode.get(error.errno or 0, str(error))}
        return {"refused": ""}

    return Task(run, REAL_TASKS["unpack"].capabilities)


def _look(_descriptors: Sequence[int], _options: Mapping[str, Any]) -> dict[str, Any]:
    """What a child is: its rights, its environment, what it can see."""
    return {
        "environment": dict(os.environ),
        "root": sorted(os.listdir("/")),
        "directory": os.getcwd(),
        "umask": os.umask(0),
        "limits": [resource.getrlimit(limit)[0] for limit in (resource.RLIMIT_CORE, resource.RLIMIT_NOFILE)],
    }


TASKS = {
    **{attack.__name__: _task(attack) for attack in ATTACKS},
    "look": Task(_look, REAL_TASKS["unpack"].capabilities),
}
