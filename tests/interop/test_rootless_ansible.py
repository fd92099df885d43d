# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users without rights by way of Ansible: the demo that such a user starts, and tasks that become one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from lab.collection import collections_root
from lab.long_run import only_long
from lab.registry import Registry
from lab.user_world import NAME, UserWorld

ROOT = Path(__file__).resolve().parents[2]
# Plays of many tasks; what they run is tested in the short run.
pytestmark = only_long


class TestTheDemo:
    def test_it_runs_twice(self, world: UserWorld) -> None:
        for _time in range(2):
            done = demo(world)
            assert done.returncode == 0, done.stdout
            assert b"no container is left" in done.stdout and b"failed=0" in done.stdout

    def test_it_tells_what_is_missing(self, world: UserWorld) -> None:
        kept = Path(world.base, "etc", "subuid").read_text(encoding="utf-8")
        world.end_processes()
        world.write("subuid", "")
        try:
            done = demo(world, "poor")
        finally:
            world.write("subuid", kept)
        assert done.returncode != 0 and f"the user {NAME} has no subordinate IDs" in done.stdout.decode()


def test_a_task_becomes_the_user(world: UserWorld, registry: Registry) -> None:
    """root logged in, whose variables are kept, as ``su`` keeps them; the store is that of the user."""
    image = registry.reference("odd:1")
    told = json.loads(world.run("podman", "info", "--format", "json"))["store"]
    store = task(world, "store_info")["store"]
    assert (store["root"], store["run_root"], store["rootless"]) == (told["graphRoot"], told["runRoot"], True)
    assert task(world, "image_pull", name=image, validate_certs=False)["changed"]
    assert task(world, "container_create", image=image, name="become")["changed"]
    mounted = task(world, "container_mount", name="become")
    assert world.run(*mounted["enter"], "ls", f"{mounted['mount_point']}/hidden") == "new"
    assert task(world, "container_create", name="become", state="absent", force=True)["changed"]
    assert task(world, "image_remove", name=image)["changed"]


def demo(world: UserWorld, name: str = "demo") -> subprocess.CompletedProcess[bytes]:
    """The demo, run by the user with nothing but what ``make demo`` gives it."""
    env = {
        "PATH": f"{sys.prefix}/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "PYTHONPATH": collections_root(),
        "ANSIBLE_COLLECTIONS_PATH": collections_root(),
    }
    places = ["--directory", f"{world.home}/{name}", "--cache", f"{world.home}/cache"]
    command = world.command(sys.executable, str(ROOT / "tools" / "demo.py"), *places, env=env)
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )


def task(world: UserWorld, module: str, **arguments: Any) -> dict[str, Any]:
    """The result of one task on localhost that root runs as the user."""
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "become": True,
        "become_user": NAME,
        "become_method": "su",
        "vars": {"ansible_become_exe": "runuser", "ansible_python_interpreter": sys.executable},
        "tasks": [{f"strata.containers.{module}": arguments}],
    }
    playbook = Path(world.base, f"{module}.json")
    playbook.write_text(json.dumps([play]), encoding="utf-8")
    record = Path(world.base, "results.jsonl")
    record.unlink(missing_ok=True)
    env = {
        **os.environ,
        "HOME": "/root",
        "USER": "root",
        "XDG_RUNTIME_DIR": "/run/user/0",
        "ANSIBLE_HOME": f"{world.base}/ansible",
        "ANSIBLE_COLLECTIONS_PATH": collections_root(),
        "ANSIBLE_CALLBACKS_ENABLED": "task_results",
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/lab/callback"),
        "STRATA_TASK_RESULTS": str(record),
    }
    command = world.inside(f"{sys.prefix}/bin/ansible-playbook", str(playbook))
    # Ansible refuses an input that does not block, and whoever started the tests may have such a one.
    files: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run(command, **files, env=env, check=False)
    assert done.returncode == 0, done.stdout
    result: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
    return result
