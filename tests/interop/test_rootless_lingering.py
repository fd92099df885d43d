# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where systemd runs it ends what a user runs with the last session, mounts too, unless the user lingers: loginctl(1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from lab.commands import run
from lab.long_run import only_long
from lab.registry import Registry
from lab.user_world import NAME, UserStore, UserWorld

pytestmark = only_long
# The directory by which sd_booted(3) knows systemd, and the one where it notes who lingers.
BOOTED, LINGER = "/run/systemd", "/var/lib/systemd"


@pytest.fixture
def store(world: UserWorld, registry: Registry) -> Iterator[UserStore]:
    """A store with a container ``box`` and an image, in a world where systemd seems to run."""
    store = world.store("lingering")
    image = registry.reference("odd:1")
    assert store.module("image_pull", name=image, validate_certs=False).changed
    assert store.module("container_create", image=image, name="box").changed
    for place, inside in ((BOOTED, "system"), (LINGER, "linger")):
        run(world.inside("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", place))
        run(world.inside("mkdir", f"{place}/{inside}"))
    yield store
    for place in (BOOTED, LINGER):
        run(world.inside("umount", "-l", place))


def warnings(store: UserStore, module: str, **arguments: Any) -> list[str]:
    result = store.module(module, **arguments)
    assert not result.failed, result.text
    return [str(warning) for warning in result.data.get("warnings", [])]


def test_a_mount_that_will_not_last_is_warned_of(store: UserStore, registry: Registry) -> None:
    image = registry.reference("odd:1")
    for module, name in (("container_mount", "box"), ("image_mount", image)):
        # Each time: who reads the second result has not seen the first.
        for _time in range(2):
            (warning,) = warnings(store, module, name=name)
            assert f"loginctl enable-linger {NAME}" in warning
        assert warnings(store, module, name=name, state="unmounted") == []
    run(store.world.inside("touch", f"{LINGER}/linger/{NAME}"))
    assert warnings(store, "container_mount", name="box") == []
    run(store.world.inside("rmdir", f"{BOOTED}/system"))
    run(store.world.inside("rm", f"{LINGER}/linger/{NAME}"))
    assert warnings(store, "container_mount", name="box") == []
    store.module("container_mount", name="box", state="unmounted")
