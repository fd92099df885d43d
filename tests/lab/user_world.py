# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user without rights, who exists in a mount namespace and a PID namespace of a test and nowhere else.

The user database, the subordinate IDs, ``/run/user``, ``/etc/containers`` and ``/root`` are the world's own; everything else is
the machine's. Whatever runs in it, pause processes too, ends with it, and so do its mounts.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Optional

from .collection import collections_root
from .commands import run
from .modules import LIBRARIES, ModuleResult, python_path, run_module, run_module_warm
from .stores import Store
from .warm_python import WarmPython

NAME = "rootless"
UID = 24242
# As many as the images of the tests have owners.
RANGE = (10_000_000, 5_000_000)
_PATIENCE = 60.0
_SERVER = "lab.warm_python"
_PATH = "/usr/bin:/usr/sbin:/bin:/sbin"
# Nobody else sees the mount, and it ends with the command.
_OTHER_ROOT = ("unshare", "--mount", "sh", "-c", 'mount --rbind / /mnt && exec chroot /mnt "$@"', "sh")
# The first process of the world. $1 is the base directory; the others are directories that the user must be able to reach.
_BEGIN = """
set -e
base=$1; shift
for name in passwd group subuid subgid containers; do mount --bind "$base/etc/$name" "/etc/$name"; done
mount -t tmpfs -o mode=755 tmpfs /run/user
mkdir -m 700 /run/user/0 "/run/user/$UID_OF_USER"
chown "$UID_OF_USER:$UID_OF_USER" "/run/user/$UID_OF_USER"
number=0
for way in "$@"; do
    number=$((number + 1)); mkdir -p "$base/ways/$number"; mount --rbind "$way" "$base/ways/$number"
done
mount -t tmpfs -o mode=755 tmpfs /root
number=0
for way in "$@"; do
    number=$((number + 1)); mkdir -p "$way"; mount --rbind "$base/ways/$number" "$way"
done
: >"$base/ready"
exec sleep 2147483647
"""


@dataclass
class UserWorld:
    """A running world; ``pid`` is its first process, and ``base`` its directory, which the user may enter."""

    base: str
    pid: int

    @property
    def home(self) -> str:
        return os.path.join(self.base, "home")

    @property
    def runtime_dir(self) -> str:
        return f"/run/user/{UID}"

    def write(self, name: str, text: str) -> None:
        """Gives the world's file ``name`` of /etc another content."""
        Path(self.base, "etc", name).write_text(text, encoding="utf-8")

    def inside(self, *command: str) -> list[str]:
        """``command`` as root of the machine, inside the world."""
        return ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--wdns=/", "--", *command]

    def store(self, name: str, driver: str = "overlay") -> UserStore:
        """A new store ``name`` in the user's home directory."""
        base = os.path.join(self.home, name)
        os.mkdir(base, 0o700)
        os.chown(base, UID, UID)
        return UserStore(base, os.path.join(self.runtime_dir, name), driver, world=self)

    def command(self, *command: str, env: Optional[Mapping[str, str]] = None, other_root: bool = False) -> list[str]:
        """``command`` as the user in an environment as of a login; ``env`` changes it (empty: takes away).

        With ``other_root`` its root directory shows the same as ever and is another one than that of the mount namespace, for
        which the kernel gives it no user namespace (user_namespaces(7), EPERM).
        """
        words = [f"{key}={value}" for key, value in self._environment(env).items()]
        become = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--inh-caps=-all"]
        whole = [*become, "env", "-i", *words, *command]
        return self.inside(*_OTHER_ROOT, *whole) if other_root else self.inside(*whole)

    def run(self, *command: str, env: Optional[Mapping[str, str]] = None) -> str:
        """What ``command`` printed, run as the user. Raises CommandFailed."""
        return run(self.command(*command, env=env)).strip()

    def module(
        self, module: str, /, *, check: bool = False, env: Optional[Mapping[str, str]] = None, **arguments: Any
    ) -> ModuleResult:
        """The result of a module that the user runs."""
        return run_module_warm(self._warm, module, arguments, self._environment(env), check=check)

    def module_with_other_root(self, module: str, /, **arguments: Any) -> ModuleResult:
        """The same in a process to which the kernel gives no user namespace."""
        return run_module(module, arguments, prefix=self.command(env=self._environment(), other_root=True))

    @cached_property
    def _warm(self) -> WarmPython:
        return WarmPython(LIBRARIES, prefix=self.command(env=self._environment()))

    def _environment(self, changes: Optional[Mapping[str, str]] = None) -> dict[str, str]:
        tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        basis = {"HOME": self.home, "USER": NAME, "PATH": _PATH, "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
        places = {"XDG_RUNTIME_DIR": self.runtime_dir, "PYTHONPATH": os.pathsep.join([python_path(), tests])}
        return {key: value for key, value in {**basis, **places, **(changes or {})}.items() if value}

    def processes(self) -> dict[int, str]:
        """The command lines of what runs in the world as the user, but for the tests' own Python, by the machine's numbers."""
        found = {}
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                inside = os.path.samefile(f"/proc/{entry}/ns/pid", f"/proc/{self.pid}/ns/pid")
                words = Path(f"/proc/{entry}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
            except OSError:
                continue
            if inside and int(entry) != self.pid and words and _SERVER not in words:
                found[int(entry)] = words
        return found

    def end_processes(self) -> None:
        """Kills what the user runs, as the end of a session does."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        while self.processes():
            time.sleep(0.01)


@dataclass(frozen=True)
class UserStore(Store):
    """A store of the user's, with commands that run as the user; without a ``base`` the one that no option names."""

    world: UserWorld = field(kw_only=True)

    @property
    def root(self) -> str:
        return super().root if self.base else os.path.join(self.world.home, ".local/share/containers/storage")

    @property
    def run_root(self) -> str:
        return self.run or os.path.join(self.world.runtime_dir, "containers")

    def podman(self, *arguments: str, env: Optional[Mapping[str, str]] = None) -> str:
        return self.world.run(*self.podman_command(*arguments), env=env)

    def unshared(self, *command: str) -> str:
        """What ``command`` prints in the namespaces that podman keeps."""
        return self.podman("unshare", *command)

    def podman_command(self, *arguments: str) -> list[str]:
        roots = ["--root", self.root, "--runroot", self.run_root, "--storage-driver", self.driver] if self.base else []
        return ["podman", *roots, "--cgroup-manager", "cgroupfs", "--events-backend", "none", *arguments]

    def buildah(self, *arguments: str) -> str:
        roots = ["--root", self.root, "--runroot", self.run_root, "--storage-driver", self.driver] if self.base else []
        return self.world.run("buildah", *roots, *arguments)

    def module(self, module: str, /, *, check: bool = False, **arguments: Any) -> ModuleResult:
        """The result of a module on the store."""
        return self.world.module(module, check=check, **(self.module_options() if self.base else {}), **arguments)


@contextmanager
def user_world(base: str, *ways: str) -> Iterator[UserWorld]:
    """A world whose files lie in the directory ``base``; the user also reaches the directories ``ways``."""
    _prepare(base)
    environment = {**os.environ, "UID_OF_USER": str(UID)}
    holder = subprocess.Popen(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
        + ["sh", "-c", _BEGIN, "sh", base, *_hidden_ways(ways)],
        env=environment,
        stderr=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + _PATIENCE
        while not os.path.exists(os.path.join(base, "ready")):
            if holder.poll() is not None or time.monotonic() > deadline:
                holder.kill()
                raise RuntimeError(f"the world of the user did not begin: {(holder.stderr or sys.stdin).read()!r}")
            time.sleep(0.01)
        first = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text(encoding="ascii").split()
        yield UserWorld(base, int(first[0]))
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
        # Its mounts went with it.
        shutil.rmtree(base)


def _prepare(base: str) -> None:
    os.chmod(base, 0o755)
    home, etc = (os.path.join(base, name) for name in ("home", "etc"))
    os.mkdir(home, 0o700)
    os.chown(home, UID, UID)
    os.mkdir(etc)
    os.mkdir(os.path.join(etc, "containers"))
    Path(etc, "containers", "policy.json").write_text(
        '{"default":[{"type":"insecureAcceptAnything"}]}', encoding="utf-8"
    )
    for name, line in (("passwd", f"{NAME}:x:{UID}:{UID}::{home}:/bin/sh"), ("group", f"{NAME}:x:{UID}:")):
        Path(etc, name).write_text(f"{Path('/etc', name).read_text(encoding='utf-8')}{line}\n", encoding="utf-8")
    for name in ("subuid", "subgid"):
        Path(etc, name).write_text(f"{NAME}:{RANGE[0]}:{RANGE[1]}\n", encoding="utf-8")


def _hidden_ways(ways: Sequence[str]) -> list[str]:
    """What the user must reach and what lies in root's home, where no user may look: our Python, the collection and ``ways``."""
    tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    needed = [sys.prefix, sys.base_prefix, os.path.realpath(collections_root()), tests, *ways]
    needed.append(os.path.join(os.path.dirname(tests), "tools"))
    return sorted({path for path in needed if path.startswith("/root/")})
