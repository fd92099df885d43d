# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The driver options in storage.conf, in the form in which drivers take them (containers-storage.conf(5))."""

from __future__ import annotations

from .table import Table

# Keys directly below [storage.options]: older than the tables of the drivers, for whatever driver is in use.
# "use_composefs" may stand there too, and no version ever looked at it.
_LEGACY = ("size", "mount_program", "skip_mount_home", "ignore_chown_errors", "force_mask", "mountopt")
# Keys of the table of a driver, which override the former. Drivers that are not named here take none from the file.
_OF_DRIVER = {
    "overlay": (
        "ignore_chown_errors",
        "mount_program",
        "mountopt",
        "size",
        "inodes",
        "skip_mount_home",
        "force_mask",
        "use_composefs",
        "sync",
    ),
    "vfs": ("ignore_chown_errors", "sync"),
    "btrfs": ("min_space", "size"),
}


def file_options(table: Table, driver: str, *, own: bool = True) -> tuple[str, ...]:
    """The options in ``table``, which is [storage.options], as ``<driver>.<key>=<value>``.

    An empty ``driver`` counts as overlay, which is tried first then. The driver's own table counts with ``own`` only. Each
    key is there once, but for the additional stores, which keep their order. Raises InvalidConfig.
    """
    driver = driver or "overlay"
    options = [f"{driver}.imagestore={store}" for store in table.texts("additionalimagestores")]
    options += [f"{driver}.additionallayerstore={store}" for store in table.texts("additionallayerstores")]
    settings = {key: _legacy(table, key) for key in _LEGACY}
    of_driver = [(key, table.table(driver).text(key)) for key in _OF_DRIVER.get(driver, ())]
    if own:
        settings.update((key, text) for key, text in of_driver if text)
    options += [f"{driver}.{key}={text}" for key, text in settings.items() if text]
    return tuple(options)


def _legacy(table: Table, key: str) -> str:
    # Only here, and only this one, is a number.
    value = table.values.get(key)
    if key != "force_mask" or value is None:
        return table.text(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise table.invalid(key, "wrong type", wanted="a number", found="another type")
    return f"{value:o}" if value else ""
