# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The module container_create: its options, and the verb it runs."""

from __future__ import annotations

import time
from collections.abc import Sequence

from .._config.storage_conf import StoreSettings
from .._engine.create import ALWAYS, NEVER, ON_IMAGE_CHANGE, ContainerRequest, Host, create
from .._engine.outcome import Outcome
from .._engine.remove import remove_container
from .._engine.store import layout_of
from .._model.id_map import IdMap, parse_id_map
from .._storage.drivers import open_driver
from .._storage.layout import Layout
from .rights import rights_of
from .run import Task
from .settings import store_settings
from .short_names import short_names_reader
from .specs import STORE, merged

PRESENT = "present"
ABSENT = "absent"

OPTIONS = merged(
    STORE,
    {
        "image": {"type": "str"},
        "name": {"type": "str"},
        "state": {"type": "str", "choices": [PRESENT, ABSENT], "default": PRESENT},
        "recreate": {"type": "str", "choices": [NEVER, ON_IMAGE_CHANGE, ALWAYS], "default": NEVER},
        "metadata": {"type": "str"},
        "mount_label": {"type": "str"},
        "process_label": {"type": "str"},
        "mount_opts": {"type": "list", "elements": "str"},
        "uidmap": {"type": "list", "elements": "str"},
        "gidmap": {"type": "list", "elements": "str"},
        "force": {"type": "bool", "default": False},
    },
)

CONSTRAINTS = {"required_if": [("state", PRESENT, ("image",)), ("state", ABSENT, ("name",))]}


def verb(task: Task) -> Outcome:
    """The container of the task, present or absent."""
    request = _request(task)
    settings = store_settings(task)
    layout = layout_of(settings)
    return rights_of(task, settings).change(layout, lambda: _work(task, request, settings, layout))


def _work(task: Task, request: ContainerRequest, settings: StoreSettings, layout: Layout) -> Outcome:
    params = task.params
    driver = open_driver(layout, settings.options)
    if params["state"] == ABSENT:
        return remove_container(
            layout, driver, params["name"], task.reporter, force=params["force"], check_mode=task.check_mode
        )
    host = Host(layout, driver, lambda: int(time.time()), short_names_reader(task))
    return create(request, host, task.reporter, check_mode=task.check_mode)


def _request(task: Task) -> ContainerRequest:
    params = task.params
    return ContainerRequest(
        image=params["image"] or "",
        name=params["name"],
        recreate=params["recreate"],
        metadata=params["metadata"],
        mount_label=params["mount_label"],
        process_label=params["process_label"],
        mount_opts=None if params["mount_opts"] is None else tuple(params["mount_opts"]),
        uid_map=_maps(params["uidmap"]),
        gid_map=_maps(params["gidmap"]),
        force=params["force"],
    )


def _maps(texts: Sequence[str] | None) -> tuple[IdMap, ...] | None:
    return None if texts is None else tuple(parse_id_map(text) for text in texts)
