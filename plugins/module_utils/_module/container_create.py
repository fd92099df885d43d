# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The module container_create: its options, and the verb it runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .._config.storage_conf import StoreSettings
from .._engine.create import ALWAYS, NEVER, ON_IMAGE_CHANGE, ContainerRequest, Host, create
from .._engine.outcome import Outcome
from .._engine.remove import remove_container
from .._engine.store import layout_of
from .._model.id_map import UNMAPPED, IdMap, IdMaps, id_maps, parse_id_map
from .._storage.drivers import open_driver
from .._storage.layout import Layout
from .rights import rights_of
from .run import Task
from .settings import store_settings
from .short_names import short_names_reader
from .specs import STORE, merged

if TYPE_CHECKING:
    from .._engine.auto_user_ns import IdChooser
    from .._model.user_namespace import AutoUserNamespace
    from .._storage.catalog import Catalog
    from .._storage.driver import StoreDriver
    from .._storage.layout import Layout
    from .._storage.records import ImageRecord

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
        "userns": {"type": "str"},
        "force": {"type": "bool", "default": False},
    },
)

CONSTRAINTS = {
    "required_if": [("state", PRESENT, ("image",)), ("state", ABSENT, ("name",))],
    "mutually_exclusive": [("userns", "uidmap"), ("userns", "gidmap")],
}


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
    host = Host(layout, driver, lambda: int(time.time()), short_names_reader(task), _ids(task, layout, driver))
    return create(request, host, task.reporter, check_mode=task.check_mode)


def _request(task: Task) -> ContainerRequest:
    params = task.params
    maps, auto = _namespace(params["userns"], params["uidmap"], params["gidmap"])
    return ContainerRequest(
        image=params["image"] or "",
        name=params["name"],
        recreate=params["recreate"],
        metadata=params["metadata"],
        mount_label=params["mount_label"],
        process_label=params["process_label"],
        mount_opts=None if params["mount_opts"] is None else tuple(params["mount_opts"]),
        maps=maps,
        auto=auto,
        force=params["force"],
    )


def _namespace(
    userns: str | None, uidmap: Sequence[str] | None, gidmap: Sequence[str] | None
) -> tuple[IdMaps | None, AutoUserNamespace | None]:
    """The ID maps that are asked for, or how they are to be chosen."""
    if userns is None:
        return id_maps(_maps(uidmap), _maps(gidmap)), None
    from .._model.user_namespace import parse_user_namespace

    auto = parse_user_namespace(userns)
    return (UNMAPPED, None) if auto is None else (None, auto)


def _ids(
    task: Task, layout: Layout, driver: StoreDriver
) -> Callable[[AutoUserNamespace, Catalog, ImageRecord], IdChooser]:
    """What the engine asks for IDs of an automatic user namespace."""

    def chooser(wanted: AutoUserNamespace, catalog: Catalog, image: ImageRecord) -> IdChooser:
        from .._config.auto_user_ns import load_auto_user_namespaces
        from .._engine.auto_user_ns import id_chooser
        from .._storage.owners import Owners

        settings = load_auto_user_namespaces(task.paths, task.params["storage_conf"])
        return id_chooser(wanted, settings, task.paths, Owners(layout, driver), catalog, image)

    return chooser


def _maps(texts: Sequence[str] | None) -> tuple[IdMap, ...] | None:
    return None if texts is None else tuple(parse_id_map(text) for text in texts)
