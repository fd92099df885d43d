# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The module image_pull: its options, and the verb it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from .._engine.names import image_name, local_name
from .._engine.outcome import Outcome, joint_failure
from .._engine.platform_choice import PlatformChoice
from .._engine.pull import Puller
from .._engine.pull_by_name import NamedPuller, Wanted
from .._engine.pull_request import ALWAYS, MISSING, NEVER, NEWER, Pulled, failed_image
from .._engine.retry import Retry
from .._engine.store import layout_of
from .._errors import StrataError, UsageError
from .._host.machine import cpuinfo, machine
from .._model.platform import host_platform, parse_platform
from .._storage.layout import Layout
from .rights import rights_of
from .run import Task
from .settings import store_settings
from .short_names import short_names_reader
from .specs import POLICY, REGISTRY, STORE, merged

if TYPE_CHECKING:
    from .._engine.sources import RegistryAccess
    from .._engine.stage import Workshop
    from .._engine.trust import Gate
    from .._storage.driver import StoreDriver

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
    rights_of(task, settings).require(layout)
    open_driver = _driver_opener(layout, settings.options)
    with ExitStack() as resources:
        access = _access_opener(task, resources)
        puller = Puller(
            layout,
            open_driver,
            _workshop_opener(task, layout, settings.options, open_driver, resources),
            lambda reference: access().open(reference),
            _gate_opener(task),
            Retry(task.params["retries"], task.params["retry_delay"], task.reporter),
            task.reporter,
            check_mode=task.check_mode,
        )
        named = NamedPuller(puller, short_names_reader(task), task.reporter)
        return _summary([_pull(named, wanted, puller) for wanted in requests])


def _pull(named: NamedPuller, wanted: Wanted, puller: Puller) -> Pulled | _Failed:
    fetched_before = puller.bytes_fetched
    try:
        return named.pull(wanted)
    except StrataError as error:
        return _Failed(error, failed_image(str(wanted.name), error, puller.bytes_fetched - fetched_before))


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


# What a pull of a present image has no need of is imported when it is needed: registry, policy, driver and unpacker.


def _driver_opener(layout: Layout, options: tuple[str, ...]) -> Callable[[], StoreDriver]:
    @cache
    def opener() -> StoreDriver:
        from .._storage.drivers import open_driver

        return open_driver(layout, options)

    return opener


def _access_opener(task: Task, resources: ExitStack) -> Callable[[], RegistryAccess]:
    """Gives the way to all registries when the first one is to be asked; it ends with ``resources``."""

    @cache
    def opener() -> RegistryAccess:
        from .._engine.signature_places import signature_places
        from .access import registry_access

        places = signature_places(task.paths, task.params["registries_d"])
        access = registry_access(task.params, task.paths, task.reporter, places)
        return resources.enter_context(closing(access))

    return opener


def _gate_opener(task: Task) -> Callable[[], Gate]:
    """Opens the policy when the first image needs it, and once."""

    @cache
    def opener() -> Gate:
        from .._engine.trust import open_gate

        return open_gate(
            task.paths,
            task.reporter,
            signature_policy=task.params["signature_policy"],
            require_signed=task.params["require_signed"],
        )

    return opener


def _workshop_opener(
    task: Task,
    layout: Layout,
    options: tuple[str, ...],
    open_driver: Callable[[], StoreDriver],
    resources: ExitStack,
) -> Callable[[], Workshop]:
    """Opens the place where layers are staged when the first image is planned; it ends with ``resources``."""

    def opener() -> Workshop:
        from .._engine.stage import Workshop
        from .._storage.driver_options import ignores_chown_errors

        workshop = Workshop(
            layout,
            open_driver(),
            task.reporter,
            task.params["max_parallel_downloads"],
            any_owner=ignores_chown_errors(options),
        )
        return resources.enter_context(workshop)

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
    failures = [(result.image["names"][0], result.error) for result in results if isinstance(result, _Failed)]
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
