# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The module image_mount: its options, and the verb it runs."""

from __future__ import annotations

from .._config.storage_conf import StoreSettings
from .._engine.mount_image import mount_image, unmount_image
from .._engine.outcome import Outcome
from .._engine.store import layout_of
from .._storage.drivers import open_driver
from .._storage.layout import Layout
from .rights import with_mount_facts
from .run import Task
from .settings import store_settings
from .short_names import short_names_reader
from .specs import STORE, merged

MOUNTED = "mounted"
UNMOUNTED = "unmounted"

OPTIONS = merged(
    STORE,
    {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": [MOUNTED, UNMOUNTED], "default": MOUNTED},
        "force": {"type": "bool", "default": False},
    },
)


def verb(task: Task) -> Outcome:
    """The image of the task, mounted or unmounted."""
    settings = store_settings(task)
    layout = layout_of(settings)
    return with_mount_facts(task, settings, layout, lambda: _work(task, settings, layout))


def _work(task: Task, settings: StoreSettings, layout: Layout) -> Outcome:
    params = task.params
    driver = open_driver(layout, settings.options)
    names = short_names_reader(task)
    if params["state"] == MOUNTED:
        return mount_image(layout, driver, params["name"], names, task.reporter, check_mode=task.check_mode)
    return unmount_image(
        layout, driver, params["name"], names, task.reporter, force=params["force"], check_mode=task.check_mode
    )
