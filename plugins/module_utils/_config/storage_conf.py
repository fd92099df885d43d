# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Where the store is and how its driver is set: storage.conf and the options that override it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .._errors import HostError, UsageError
from .driver_options import file_options
from .paths import ConfigPaths
from .storage_files import StorageFiles, read_storage_files
from .table import Table

_GRAPH_ROOT = "/var/lib/containers/storage"
_RUN_ROOT = "/run/containers/storage"
# Old versions map the IDs of all layers by these. The names of ranges, "remap-user" and "remap-group", they read and forget.
_REMAP = ("remap-uids", "remap-gids")
# What a rootless user takes from the system's file when there is no file of the user's own.
_DRIVERS_FOR_ROOTLESS = frozenset({"btrfs", "overlay", "overlay2", "vfs"})
_OPTION_FOR_ROOTLESS = "overlay.ignore_chown_errors="
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))", re.ASCII)


class RelativePath(UsageError):
    """The root of a store was given as a relative path."""

    code = "relative_path"


class UnsupportedSetting(HostError):
    """storage.conf asks for a store of a kind that this engine does not have."""

    code = "unsupported_setting"


@dataclass(frozen=True)
class StoreSettings:
    """What names a store. ``origin`` is the storage.conf that was read, or says that there was none.

    The roots are absolute paths. ``driver`` is empty where nobody chose one. ``options`` are written
    ``overlay.mountopt=nodev``, in the order in which a later one overrides an earlier. ``disable_volatile`` keeps
    containers that their maker calls volatile from being mounted as such. ``rootless`` tells that the user is not root.
    """

    graph_root: str
    run_root: str
    driver: str
    options: tuple[str, ...]
    origin: str
    disable_volatile: bool = False
    rootless: bool = False


def load_store_settings(
    paths: ConfigPaths,
    *,
    root: str | None = None,
    runroot: str | None = None,
    driver: str | None = None,
    driver_options: Sequence[str] | None = None,
    storage_conf: str | None = None,
) -> StoreSettings:
    """The settings of the store that the arguments, the environment and storage.conf name together, in this order.

    As in podman, ``root`` or ``driver`` drop the driver options of file and environment, and ``root`` alone leaves the
    run root that storage.conf gives. STORAGE_DRIVER and STORAGE_OPTS override the file. Raises InvalidConfig,
    RelativePath, UnsupportedSetting, MissingLibraryError, and HostError when the file cannot be read.
    """
    conf = _Conf(paths, read_storage_files(paths, storage_conf))
    conf.check_types()
    chosen = _canonical(driver or paths.environment.get("STORAGE_DRIVER") or conf.driver())
    conf.refuse_unsupported(chosen)
    of_file = conf.options(chosen)
    if driver_options is not None:
        options = tuple(driver_options)
    elif root or driver:
        options = ()
    elif "STORAGE_OPTS" in paths.environment:
        options = tuple(option for option in paths.environment["STORAGE_OPTS"].split(",") if option)
    else:
        options = of_file
    return StoreSettings(
        graph_root=_absolute("root", root) if root else conf.graph_root(),
        run_root=_absolute("runroot", runroot) if runroot else conf.run_root(),
        driver=chosen,
        options=options,
        origin=conf.origin,
        disable_volatile=conf.disable_volatile(),
        rootless=paths.rootless,
    )


@dataclass(frozen=True)
class _Conf:
    """The files as they apply to the user."""

    paths: ConfigPaths
    files: StorageFiles

    @property
    def origin(self) -> str:
        return self.files.origin

    @property
    def restricted(self) -> bool:
        return self.files.restricted

    @property
    def storage(self) -> Table:
        return Table(self.files.values, self.origin).table("storage")

    def check_types(self) -> None:
        """Raises InvalidConfig for a value of a wrong type, also where something else decides: no tool reads such a file."""
        for key in ("driver", "graphroot", "runroot", "imagestore", "rootless_storage_path"):
            self.storage.text(key)
        self.disable_volatile()

    def refuse_unsupported(self, driver: str) -> None:
        """Raises UnsupportedSetting where following the file's other keys alone would write another store than it means.

        ``driver`` is the one that is chosen by name, empty where none is.
        """
        if self.restricted:
            return
        options = self.storage.table("options")
        for key in _REMAP:
            if options.text(key):
                raise UnsupportedSetting(
                    "layers whose IDs are mapped are not supported", subject=f"{self.origin}: storage.options.{key}"
                )
        first = (*self.storage.texts("driver_priority"), "overlay")[0]
        if not driver and _canonical(first) != "overlay":
            raise UnsupportedSetting(
                "a list of drivers in which another one is the first is not supported",
                subject=f"{self.origin}: driver_priority",
                wanted="overlay",
                found=first,
            )
        if self.storage.flag("transient_store"):
            raise UnsupportedSetting("transient stores are not supported", subject=f"{self.origin}: transient_store")
        if self.storage.text("imagestore"):
            raise UnsupportedSetting("a separate image store is not supported", subject=f"{self.origin}: imagestore")

    def driver(self) -> str:
        driver = self.storage.text("driver")
        return "" if self.restricted and driver not in _DRIVERS_FOR_ROOTLESS else driver

    def options(self, driver: str) -> tuple[str, ...]:
        # Without the name of a driver, versions before 1.63 look into the table of none.
        options = file_options(self.storage.table("options"), driver, own=bool(driver) or self.files.merged)
        if self.restricted:
            return tuple(option for option in options if option.startswith(_OPTION_FOR_ROOTLESS))[:1]
        return options

    def disable_volatile(self) -> bool:
        return not self.restricted and self.storage.table("options").flag("disable-volatile")

    def graph_root(self) -> str:
        rootless_path = "rootless_storage_path" if self.paths.rootless else ""
        for key in ("" if self.restricted else "graphroot", rootless_path):
            if key and self.storage.text(key):
                return self._path(key)
        return _default_graph_root(self.paths)

    def run_root(self) -> str:
        if not self.restricted and self.storage.text("runroot"):
            return self._path("runroot")
        return _default_run_root(self.paths)

    def _path(self, key: str) -> str:
        """The path under ``key``, with its variables filled in and its links followed if it is there."""
        path = _expand(self.storage.text(key), self.paths)
        if not path.startswith("/"):
            raise self.storage.invalid(key, "not an absolute path", found=path)
        # containers/storage does the same to this value (not to an option), and writes the result into its records.
        return os.path.realpath(path) if os.path.exists(path) else _clean(path)


def _canonical(driver: str) -> str:
    return "overlay" if driver == "overlay2" else driver


def _default_graph_root(paths: ConfigPaths) -> str:
    if not paths.rootless:
        return _GRAPH_ROOT
    data_home = paths.environment.get("XDG_DATA_HOME")
    # podman refuses a relative one, too.
    data_home = _absolute("XDG_DATA_HOME", data_home) if data_home else paths.in_home(".local/share")
    return os.path.join(data_home, "containers/storage")


def _default_run_root(paths: ConfigPaths) -> str:
    if not paths.rootless:
        return _RUN_ROOT
    return os.path.join(paths.runtime_dir, "containers")


def _expand(text: str, paths: ConfigPaths) -> str:
    """``text`` with ``$NAME`` and ``${NAME}`` filled in, unset ones with nothing, as Go's os.ExpandEnv does it."""
    variables = {**paths.environment, "HOME": paths.home, "UID": str(paths.uid)}
    return _VARIABLE.sub(lambda match: variables.get(match[1] or match[2], ""), text)


def _absolute(option: str, path: str) -> str:
    if not path.startswith("/"):
        raise RelativePath("not an absolute path", subject=option, found=path)
    return _clean(path)


def _clean(path: str) -> str:
    # Two slashes at the front mean something to POSIX, and so to normpath, but not to Linux.
    return "/" + os.path.normpath(path).lstrip("/")
