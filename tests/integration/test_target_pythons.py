# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules sent to targets with the oldest and the newest Python that are installed here; podman looks at what they did."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from lab.playbook import PlaybookRunner
from lab.registry import Registry
from lab.stores import Store
from lab.target_pythons import installed_versions, target_python
from lab.trees import describe_tree, differences

# Nothing of the collection reaches the target but what Ansible sends.
ALONE = {"environment": {"PYTHONPATH": ""}}


def tasks(image: str, store: Store, pull_options: dict[str, Any]) -> list[dict[str, Any]]:
    def task(module: str, **options: Any) -> dict[str, Any]:
        return {"name": module, f"strata.containers.{module}": {**store.module_options(), **options}}

    return [
        {"name": "python", "ansible.builtin.setup": {"gather_subset": ["!all", "!min", "python"]}},
        task("image_pull", name=image, **pull_options),
        task("container_create", image=image, name="box"),
        task("container_mount", name="box"),
        task("image_info", name=image),
    ]


@pytest.mark.parametrize("end", [0, -1], ids=["oldest", "newest"])
def test_a_target_with_another_python(
    end: int,
    registry: Registry,
    make_store: Callable[[str], Store],
    run_playbook: PlaybookRunner,
    pull_options: dict[str, Any],
) -> None:
    version = installed_versions()[end]
    cache = os.environ.get("STRATA_TEST_CACHE") or os.path.join(os.getcwd(), ".build", "cache")
    store, image = make_store("target"), registry.reference("odd:1")
    variables = {"ansible_python_interpreter": target_python(version, cache)}
    done = run_playbook(tasks(image, store, pull_options), extra_vars=variables, play=ALONE)
    assert done.rc == 0, done.stdout
    python = done.result("python")["ansible_facts"]["ansible_python"]
    assert f"{python['version']['major']}.{python['version']['minor']}" == version
    assert done.changed_tasks == ["image_pull", "container_create", "container_mount"]

    (theirs,) = store.podman_json("image", "inspect", image)
    (ours,) = done.result("image_info")["images"]
    assert (ours["id"], ours["digest"], ours["size"]) == (theirs["Id"], theirs["Digest"], theirs["Size"])
    seen, wanted = (
        describe_tree(point)
        for point in (done.result("container_mount")["mount_point"], store.podman("image", "mount", image))
    )
    assert "no/parents/named/file" in seen
    # The root of a container's layer is as old as the layer.
    del seen["."]["mtime_ns"], wanted["."]["mtime_ns"]
    assert differences(wanted, seen) == []
    store.podman("image", "unmount", image)
    assert store.buildah("containers", "--all", "--format", "{{.ContainerName}}") == "box"
