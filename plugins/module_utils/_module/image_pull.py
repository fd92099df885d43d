# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The module image_pull: its options, and the verb it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import Any

from .._engine.names import image_name, local_name
from .._engine.outcome import Outcome, joint_failure
from .._engine.pull import ALWAYS, MISSING, NEVER, NEWER, Pulled, Puller, failed_image
from .._engine.pull_by_name import NamedPuller, Wanted
from .._engine.resolve import PlatformChoice
from .._engine.rights import require_rights
from .._engine.signature_places import signature_places
from .._engine.stage import Workshop
from .._engine.store import layout_of
from .._engine.trust import Gate, open_gate
from .._errors import StrataError, UsageError
from .._host.machine import cpuinfo, machine
from .._model.platform import host_platform, parse_platform
from .._storage.drivers import open_driver
from .access import registry_access, registry_retry
from .run import Task
from .settings import short_names_reader, store_settings
from .specs import POLICY, REGISTRY, STORE, merged

OPTIONS = merged(
    STORE,
    REGISTRY,
    POLICY,
    {
        "name": {"type": "list", "elements": "str", "required": True},
        "tag": {"type": "str"},
        "names": {"type": "list", "elements": "str", "default": []},
        "pull": {
            "type": "str",
            "choices": [ALWAYS, NEWER, MISSING, NEVER],
            "default": ALWAYS,
            "aliases": ["pull_policy"],
        },
        "platform": {"type": "str"},
        "allow_other_platform": {"type": "bool", "default": False},
        "remove_signatures": {"type": "bool", "default": False},
        "max_parallel_downloads": {"type": "int", "default": 6},
    },
)

CONSTRAINTS = {"required_together": [("username", "password")]}


class SeveralNames(UsageError):
    """Extra names are for one image, and the task names several."""

    code = "usage"


@dataclass(frozen=True)
class _Failed:
    """An image that could not be pulled: why, and its entry in the result."""

    error: StrataError
    image: dict[str, Any]


def verb(task: Task) -> Outcome:
    """The images of the task in the store; each is done on its own, whatever becomes of the others."""
    requests = _requests(task)
    settings = store_settings(task)
    layout = layout_of(settings)
    require_rights(layout)
    driver = open_driver(layout, settings.options)
    access = registry_access(
        task.params, task.paths, task.reporter, signature_places(task.paths, task.params["registries_d"])
    )
    retry = registry_retry(task.params, task.reporter)
    workshop = Workshop(layout, driver, task.reporter, task.params["max_parallel_downloads"])
    with closing(access), workshop:
        puller = Puller(workshop, access.open, _gate_opener(task), retry, task.reporter, check_mode=task.check_mode)
        named = NamedPuller(puller, short_names_reader(task), task.reporter)
        return _summary([_pull(named, wanted, workshop) for wanted in requests])


def _pull(puller: NamedPuller, wanted: Wanted, workshop: Workshop) -> Pulled | _Failed:
    fetched_before = workshop.bytes_fetched
    try:
        return puller.pull(wanted)
    except StrataError as error:
        return _Failed(error, failed_image(str(wanted.name), error, workshop.bytes_fetched - fetched_before))


def _requests(task: Task) -> list[Wanted]:
    """Every name read before anything is asked, so that a malformed one costs nothing."""
    params = task.params
    if params["names"] and len(params["name"]) != 1:
        raise SeveralNames("the option names goes with exactly one name", found=f"{len(params['name'])} names")
    choice = _platform_choice(params["platform"], params["allow_other_platform"])
    extra_names = tuple(local_name(text) for text in params["names"])
    return [
        Wanted(
            text,
            image_name(text, params["tag"]),
            extra_names,
            params["pull"],
            choice,
            params["remove_signatures"],
        )
        for text in params["name"]
    ]


def _platform_choice(platform: str | None, allow_other: bool) -> PlatformChoice:
    if platform is None:
        return PlatformChoice(host_platform(machine(), cpuinfo()), False, allow_other)
    return PlatformChoice(parse_platform(platform), True, allow_other)


def _gate_opener(task: Task) -> Callable[[], Gate]:
    """Opens the policy when the first image needs it, and once."""

    @cache
    def opener() -> Gate:
        return open_gate(
            task.paths,
            task.reporter,
            signature_policy=task.params["signature_policy"],
            require_signed=task.params["require_signed"],
        )

    return opener


def _summary(results: Sequence[Pulled | _Failed]) -> Outcome:
    images = [result.image for result in results]
    facts: dict[str, Any] = {
        "images": images,
        "plan": _totals([image["plan"] for image in images if image["plan"]]),
        "bytes_downloaded": sum(image["bytes_downloaded"] for image in images),
    }
    if len(images) == 1:
        facts["image"] = images[0]
    done = [result for result in results if isinstance(result, Pulled)]
    failures = [result.error for result in results if isinstance(result, _Failed)]
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for result in done:
        # Of a name that stands twice, the task found the first and left the last.
        before = {**result.before, **before}
        after.update(result.after)
    return Outcome(
        any(result.changed for result in done), facts, before, after, joint_failure(failures, len(images), "pulled")
    )


def _totals(plans: Sequence[dict[str, int]]) -> dict[str, int]:
    return {word: sum(plan[word] for plan in plans) for word in ("keep", "reuse", "fetch", "bytes")}
