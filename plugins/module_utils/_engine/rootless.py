# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Entering the namespaces of a user who is not root: those that podman keeps, or new ones, which podman then joins.

The whole process enters the user namespace. The mount namespace is entered by one thread, for verbs that have to do with
mounts: it may be another view of the file system, with another ``/tmp``, and the process has to find its own files to the end.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from typing import Any, TypeVar

from .._config.paths import ConfigPaths
from .._config.subordinate_ids import NoSubordinateIds, namespace_maps
from .._errors import HostError
from .._host.commands import SystemCommands
from .._host.new_user_namespace import NewNamespace
from .._host.os_errors import reporting
from .._host.own_files import import_all, is_seen, own_file
from .._host.pause_process import Namespaces, kept_namespaces, open_namespaces, pause_process
from .._host.private_thread import in_mount_namespace
from .._host.user_namespace import enter_user_namespace
from .._report import Reporter
from .._storage.driver_options import ignores_chown_errors
from .._storage.prepare import make_directory

T = TypeVar("T")

_ROOMS = ("_model", "_layer", "_host", "_config", "_storage", "_engine")
_SYSTEMD, _LINGER = "/run/systemd/system", "/var/lib/systemd/linger"


class ForeignRuntimeDirectory(HostError):
    """The directory for what the user runs belongs to another user."""

    code = "foreign_runtime_directory"


def enter(paths: ConfigPaths, reporter: Reporter, options: tuple[str, ...], *, keep: bool) -> None:
    """Makes this process root of the user's namespace; with ``keep`` one that stays for others where there was none.

    ``options`` are those of the storage driver. Raises NamespacesDisabled, MapProgramMissing, NoSubordinateIds, MapRefused,
    ForeignRuntimeDirectory, NamespaceFailed and HostError.
    """
    with closing(_namespaces(paths, options, keep=keep)) as namespaces:
        _enter(namespaces, reporter)


def change(
    paths: ConfigPaths, reporter: Reporter, options: tuple[str, ...], action: Callable[[], T], *, keep: bool
) -> T:
    """What ``action`` returns as root of the user's namespace, among the mounts that are there. Arguments as of enter()."""
    with closing(_namespaces(paths, options, keep=keep)) as namespaces:
        _enter(namespaces, reporter)
        return _among_mounts(namespaces, action)


def see(paths: ConfigPaths, reporter: Reporter, options: tuple[str, ...], action: Callable[[], T], *, files: bool) -> T:
    """What ``action`` returns among the user's mounts, and without where no process keeps any.

    With ``files`` it can look into files of all the user's owners. Raises NamespaceFailed, and with ``files`` what enter()
    raises.
    """
    found = pause_process(paths.pause_file, paths.uid)
    if found is not None:
        with closing(found) as namespaces:
            _enter(namespaces, reporter)
            return _among_mounts(namespaces, action)
    if files:
        enter(paths, reporter, options, keep=False)
    return action()


def mount_facts(paths: ConfigPaths, reporter: Reporter, *, mounted: bool) -> dict[str, Any]:
    """For the result of a mount: the begin of a command that sees it; empty where nothing keeps mounts. Raises HostError."""
    found = pause_process(paths.pause_file, paths.uid)
    if found is None:
        return {"enter": []}
    found.close()
    if mounted and os.path.isdir(_SYSTEMD) and not os.path.exists(os.path.join(_LINGER, paths.user)):
        reporter.warn(
            f"the mount ends with the last session of {paths.user}, since lingering is off for this user "
            f"(loginctl enable-linger {paths.user})"
        )
    where = ["--target", str(found.pid), "--user", "--mount"]
    return {"enter": ["nsenter", *where, "--preserve-credentials", "--wdns=/", "--"]}


def _among_mounts(namespaces: Namespaces, action: Callable[[], T]) -> T:
    """What ``action`` returns among the mounts of the namespace."""
    file = own_file()
    if not in_mount_namespace(namespaces.mounts, lambda: is_seen(file)):
        # A service with a /tmp of its own made the process, and Ansible has put us into another: load all that may be needed.
        import_all(_ROOMS)
    return in_mount_namespace(namespaces.mounts, action)


def _enter(namespaces: Namespaces, reporter: Reporter) -> None:
    enter_user_namespace(namespaces.user, f"process {namespaces.pid}")
    reporter.step("entered", "user namespace", process=namespaces.pid)


def _namespaces(paths: ConfigPaths, options: tuple[str, ...], *, keep: bool) -> Namespaces:
    def make() -> NewNamespace:
        return _new_namespace(paths, options)

    if keep:
        _prepare_runtime_dir(paths)
        found = kept_namespaces(paths.pause_file, paths.uid, make)
    else:
        found = pause_process(paths.pause_file, paths.uid) or _passing(paths, make())
    if found is None:
        raise HostError("the process that keeps the user's namespaces ended at once", subject=paths.pause_file)
    return found


def _passing(paths: ConfigPaths, new: NewNamespace) -> Namespaces | None:
    """The namespaces of ``new``, which go when they are left and closed."""
    try:
        return open_namespaces(new.pid, paths.uid)
    finally:
        new.end()


def _new_namespace(paths: ConfigPaths, options: tuple[str, ...]) -> NewNamespace:
    """A namespace with the user's subordinate IDs; with the user's own alone where there are none and none are needed."""
    try:
        maps = namespace_maps(paths)
    except NoSubordinateIds:
        if not ignores_chown_errors(options):
            raise
        maps = None
    new = NewNamespace()
    try:
        if maps is None:
            new.map_own_id(paths.uid, paths.gid)
        else:
            new.map_ids(*maps, SystemCommands(paths.environment_of_programs()))
    except BaseException:
        new.end()
        raise
    return new


def _prepare_runtime_dir(paths: ConfigPaths) -> None:
    """Makes the directory of the pause file. Raises ForeignRuntimeDirectory and HostError."""
    make_directory(paths.runtime_dir)
    if not paths.has_own_runtime_dir:
        raise ForeignRuntimeDirectory(
            "the user's runtime directory belongs to another user",
            subject=paths.runtime_dir,
            wanted=f"a directory of {paths.user}",
            found=_what_is_there(paths.runtime_dir),
        )
    make_directory(os.path.dirname(paths.pause_file))


def _what_is_there(path: str) -> str:
    """What ``path`` is instead of a directory of the user's."""
    with reporting("look at", path):
        owner = os.lstat(path).st_uid
    return f"a link of user ID {owner}" if os.path.islink(path) else f"one of user ID {owner}"
