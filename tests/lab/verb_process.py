# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs one verb of the engine as a process of its own, which says ``ready`` and its ID and waits for a line: so that it can be traced.

With the option ``stop_threads`` each further thread says ``thread`` and its ID, and waits too. Arguments: the name of the
verb and its options as JSON. Prints the outcome as JSON: ``changed``, or the error's ``code`` and ``message``.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from ansible_collections.strata.containers.plugins.module_utils._config.paths import ConfigPaths
from ansible_collections.strata.containers.plugins.module_utils._config.short_names import ShortNames, load_short_names
from ansible_collections.strata.containers.plugins.module_utils._engine.check import CheckRequest, check_store
from ansible_collections.strata.containers.plugins.module_utils._engine.create import ContainerRequest, Host, create
from ansible_collections.strata.containers.plugins.module_utils._engine.mount import mount_container, unmount_container
from ansible_collections.strata.containers.plugins.module_utils._engine.mount_image import mount_image, unmount_image
from ansible_collections.strata.containers.plugins.module_utils._engine.platform_choice import PlatformChoice
from ansible_collections.strata.containers.plugins.module_utils._engine.prune import PruneRequest, prune_images
from ansible_collections.strata.containers.plugins.module_utils._engine.pull import Puller
from ansible_collections.strata.containers.plugins.module_utils._engine.pull_request import PullRequest
from ansible_collections.strata.containers.plugins.module_utils._engine.remove import remove_container
from ansible_collections.strata.containers.plugins.module_utils._engine.remove_image import remove_images
from ansible_collections.strata.containers.plugins.module_utils._engine.retry import Retry
from ansible_collections.strata.containers.plugins.module_utils._engine.sources import RegistryAccess
from ansible_collections.strata.containers.plugins.module_utils._engine.stage import Workshop
from ansible_collections.strata.containers.plugins.module_utils._engine.tag import MOVE, tag_image
from ansible_collections.strata.containers.plugins.module_utils._engine.trust import open_gate
from ansible_collections.strata.containers.plugins.module_utils._engine.wipe import wipe_store
from ansible_collections.strata.containers.plugins.module_utils._errors import StrataError
from ansible_collections.strata.containers.plugins.module_utils._model.id_map import id_maps, parse_id_map
from ansible_collections.strata.containers.plugins.module_utils._model.platform import parse_platform
from ansible_collections.strata.containers.plugins.module_utils._model.reference import parse_reference
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter
from ansible_collections.strata.containers.plugins.module_utils._storage.driver import StoreDriver
from ansible_collections.strata.containers.plugins.module_utils._storage.drivers import open_driver
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import LAYOUTS, Layout

# Every container of the tests is made at this time, in seconds since the epoch.
_SECONDS = 1_700_000_000


@dataclass(frozen=True)
class Work:
    """The store to work on, and the options of the verb."""

    layout: Layout
    driver: StoreDriver
    reporter: Reporter
    options: dict[str, Any]

    def short_names(self) -> ShortNames:
        return load_short_names(ConfigPaths.of_this_user(), self.options["registries_conf"])


def _pull(work: Work) -> bool:
    paths, options = ConfigPaths.of_this_user(), work.options
    access = RegistryAccess(
        paths=paths,
        reporter=work.reporter,
        authfile=options["authfile"],
        validate_certs=False,
        registries_conf=options["registries_conf"],
        timeout=10.0,
    )
    # One layer at a time: then the calls come in the same order each time.
    workshop = Workshop(work.layout, work.driver, work.reporter, parallel=1)
    with closing(access), workshop:
        puller = Puller(
            work.layout,
            lambda: work.driver,
            lambda: workshop,
            access.open,
            lambda: open_gate(paths, work.reporter, signature_policy=options["policy"], require_signed=False),
            Retry(0, 0.01, work.reporter),
            work.reporter,
            check_mode=False,
        )
        choice = PlatformChoice(parse_platform("linux/amd64"), True, False)
        return puller.pull(PullRequest(parse_reference(options["name"]), (), "always", choice)).changed


def _create(work: Work) -> bool:
    host = Host(work.layout, work.driver, lambda: _SECONDS, work.short_names)
    uids = [parse_id_map(work.options["uidmap"])] if work.options["uidmap"] else None
    request = ContainerRequest(
        work.options["image"], work.options["name"], recreate=work.options["recreate"], maps=id_maps(uids, None)
    )
    return create(request, host, work.reporter, check_mode=False).changed


def _mount(work: Work) -> bool:
    return mount_container(
        work.layout,
        work.driver,
        work.options["name"],
        work.reporter,
        read_only=False,
        may_be_volatile=True,
        check_mode=False,
    ).changed


def _unmount(work: Work) -> bool:
    return unmount_container(
        work.layout, work.driver, work.options["name"], work.reporter, force=False, check_mode=False
    ).changed


def _remove_container(work: Work) -> bool:
    return remove_container(
        work.layout, work.driver, work.options["name"], work.reporter, force=work.options["force"], check_mode=False
    ).changed


def _remove_image(work: Work) -> bool:
    return remove_images(
        work.layout,
        work.driver,
        [work.options["name"]],
        work.short_names,
        work.reporter,
        force=work.options["force"],
        check_mode=False,
    ).changed


def _tag(work: Work) -> bool:
    return tag_image(
        work.layout,
        work.options["name"],
        work.options["targets"],
        work.short_names,
        work.reporter,
        existing=MOVE,
        check_mode=False,
    ).changed


def _mount_image(work: Work) -> bool:
    return mount_image(
        work.layout, work.driver, work.options["name"], work.short_names, work.reporter, check_mode=False
    ).changed


def _unmount_image(work: Work) -> bool:
    return unmount_image(
        work.layout, work.driver, work.options["name"], work.short_names, work.reporter, force=False, check_mode=False
    ).changed


def _prune(work: Work) -> bool:
    request = PruneRequest(all=True)
    return prune_images(
        work.layout, work.driver, request, work.reporter, now=_SECONDS * 10**9, check_mode=False
    ).changed


def _repair(work: Work) -> bool:
    request = CheckRequest(repair=True)
    return check_store(work.layout, work.driver, (), request, work.reporter, check_mode=False).changed


def _wipe(work: Work) -> bool:
    root = work.layout.graph_root
    return wipe_store(work.layout, work.driver, root, work.reporter, force=True, check_mode=False).changed


VERBS: dict[str, Callable[[Work], bool]] = {
    "pull": _pull,
    "create": _create,
    "mount": _mount,
    "unmount": _unmount,
    "remove_container": _remove_container,
    "remove_image": _remove_image,
    "tag": _tag,
    "mount_image": _mount_image,
    "unmount_image": _unmount_image,
    "prune": _prune,
    "repair": _repair,
    "wipe": _wipe,
}


def _stop_once(_frame: object, _event: str, _argument: object) -> None:
    """The first thing that a new thread does."""
    sys.setprofile(None)
    print(f"thread {threading.get_native_id()}", flush=True)
    sys.stdin.readline()


def main(verb: str, text: str) -> None:
    options = json.loads(text)
    # By this in its arguments the helper can be told from others.
    sys.path.append(options["root"])
    # What the unpacking helper is started with: a test may put a tracer in between.
    sys.executable = options.get("interpreter") or sys.executable
    layout = LAYOUTS[options["driver"]](options["root"], options["run_root"])
    work = Work(layout, open_driver(layout), Reporter(), options)
    print(f"ready {os.getpid()}", flush=True)
    sys.stdin.readline()
    if options["stop_threads"]:
        threading.setprofile(_stop_once)
    try:
        outcome: dict[str, Any] = {"changed": VERBS[verb](work)}
    except StrataError as error:
        outcome = {"code": error.code, "message": str(error)}
    print(json.dumps(outcome))


if __name__ == "__main__":
    main(*sys.argv[1:])
