# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The module container_mount: its options, and the verb it runs."""

from __future__ import annotations

from .._config.storage_conf import StoreSettings
from .._engine.mount import mount_container, unmount_container
from .._engine.outcome import Outcome
from .._engine.store import layout_of
from .._storage.drivers import open_driver
from .._storage.layout import Layout
from .rights import with_mount_facts
from .run import Task
from .settings import store_settings
from .specs import STORE, merged

MOUNTED = "mounted"
UNMOUNTED = "unmounted"

OPTIONS = merged(
    STORE,
    {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": [MOUNTED, UNMOUNTED], "default": MOUNTED},
        "read_only": {"type": "bool", "default": False},
        "force": {"type": "bool", "default": False},
    },
)


def verb(task: Task) -> Outcome:
    """The container of the task, mounted or unmounted."""
    settings = store_settings(task)
    layout = layout_of(settings)
    return with_mount_facts(task, settings, layout, lambda: _work(task, settings, layout))


def _work(task: Task, settings: StoreSettings, layout: Layout) -> Outcome:
    params = task.params
    driver = open_driver(layout, settings.options)
    if params["state"] == MOUNTED:
        return mount_container(
            layout,
            driver,
            params["name"],
            task.reporter,
            read_only=params["read_only"],
            may_be_volatile=not settings.disable_volatile,
            check_mode=task.check_mode,
        )
    return unmount_container(
        layout, driver, params["name"], task.reporter, force=params["force"], check_mode=task.check_mode
    )
