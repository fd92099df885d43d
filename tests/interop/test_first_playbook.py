# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first playbook of README.md, as it is printed there: for root, and without ``become`` for a user without rights.

The world that it runs in has the machine's programs, nothing in /etc/containers but where docker.io is served, and empty stores.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import pytest
from lab.collection import collections_root
from lab.commands import run
from lab.fixtures import push
from lab.long_run import LONG, only_long
from lab.odd_images import PLAIN, Entry, ImageLayout, make_tar
from lab.registry import Registry
from lab.trees import snapshot
from lab.user_world import NAME, UID, UserWorld, user_world

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
IMAGE = "docker.io/library/alpine:3.20"
# Where docker.io is, for a world without an internet; the playbook's role replaces registries.conf, and no drop-in.
DROP_IN = '[[registry]]\nprefix = "docker.io"\nlocation = "{host}"\ninsecure = true\n'
STORES = ("/var/lib/containers", "/run/containers", "/run/libpod")
BECOME = "  become: true\n"
# What is said by the tasks that do something, in a first run.
CHANGES = {"Pull an image", "Create a container from it", "Mount it", "Write into it", "Unmount it"}


@dataclass(frozen=True)
class Play:
    """What a play printed, and the result of each task by its name."""

    status: int
    printed: str
    results: dict[str, dict[str, object]]

    @property
    def changed(self) -> set[str]:
        return {name for name, result in self.results.items() if result.get("changed")}


def first_playbook() -> str:
    """The first block of YAML in README.md."""
    found = re.search(r"```yaml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found and IMAGE in found[1] and BECOME in found[1]
    return found[1]


@dataclass(frozen=True)
class Person:
    """Who starts the play: root, or the user of the world."""

    world: UserWorld
    root: bool

    @property
    def home(self) -> str:
        return "/root" if self.root else self.world.home

    def command(self, *command: str, env: Optional[dict[str, str]] = None) -> list[str]:
        if self.root:
            return self.world.inside("env", *(f"{key}={value}" for key, value in (env or {}).items()), *command)
        return self.world.command(*command, env=env)

    def prints(self, *command: str) -> str:
        """What ``command`` prints. Raises CommandFailed."""
        return run(self.command(*command))

    def play(self, *options: str) -> Play:
        """The first playbook, started as a person starts it."""
        text = first_playbook()
        book, record = Path(self.world.base, "first.yml"), Path(self.world.home, "results.jsonl")
        book.write_text(text if self.root else text.replace(BECOME, ""), encoding="utf-8")
        record.unlink(missing_ok=True)
        env = {
            "HOME": self.home,
            "PATH": f"{sys.prefix}/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "ANSIBLE_COLLECTIONS_PATH": collections_root(),
            "ANSIBLE_CALLBACKS_ENABLED": "task_results",
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/lab/callback"),
            "STRATA_TASK_RESULTS": str(record),
            # Less to wait for in the short run: facts are of no use here.
            **({} if LONG else {"ANSIBLE_GATHERING": "explicit", "ANSIBLE_PIPELINING": "true"}),
        }
        where = ["--inventory", "localhost,", "--connection", "local"]
        where += ["--extra-vars", f"ansible_python_interpreter={sys.executable}"]
        command = self.command("ansible-playbook", str(book), *where, *options, env=env)
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
        results = {result["_task"]: result for result in map(json.loads, lines)}
        return Play(done.returncode, done.stdout.decode(), results)


@pytest.fixture
def bare_world(registry: Registry, tmp_path: Path) -> Iterator[UserWorld]:
    """A world as it is after the machine was installed, with the image in what it takes for docker.io."""
    layout = ImageLayout(str(tmp_path / "layout"))
    layout.add_image("alpine", [(make_tar([Entry("etc/motd", content=b"Welcome\n")]), PLAIN)])
    push(layout, "alpine", registry.reference("library/alpine:3.20"))
    with user_world(tempfile.mkdtemp(prefix="rl-")) as world:
        Path(world.base, "etc", "containers", "policy.json").unlink()
        # A user who has a registries.conf has drop-ins, too.
        for place in (f"{world.base}/etc/containers", f"{world.home}/.config/containers"):
            os.makedirs(f"{place}/registries.conf.d")
            Path(place, "registries.conf.d", "hub.conf").write_text(
                DROP_IN.format(host=registry.host), encoding="utf-8"
            )
        run(["chown", "--recursive", f"{UID}:{UID}", world.home])
        for place in STORES:
            run(world.inside("sh", "-c", f"mkdir -p {place} && mount -t tmpfs tmpfs {place}"))
        yield world


# A play takes some seconds; root's has one more word.
@pytest.mark.parametrize("root", [pytest.param(True, id="root", marks=only_long), pytest.param(False, id="user")])
def test_it_does_what_it_says(bare_world: UserWorld, root: bool) -> None:
    person = Person(bare_world, root)
    done = person.play()
    assert done.status == 0, done.printed
    assert done.changed >= CHANGES
    assert "web" in person.prints("podman", "ps", "--all", "--external", "--format", "{{.Names}} {{.Image}}").split()
    read = 'cat "$(podman mount web)/etc/motd"'
    assert person.prints(*([] if root else ["podman", "unshare"]), "sh", "-c", read) == "Hello\n"
    if LONG:
        again = person.play()
        assert again.status == 0 and again.changed == CHANGES - {"Pull an image", "Create a container from it"}


@only_long
@pytest.mark.parametrize("root", [True, False], ids=["root", "user"])
def test_check_mode_goes_as_far_as_the_policy_and_leaves_nothing(bare_world: UserWorld, root: bool) -> None:
    """On a host that is new, as README.md says; and from beginning to end where all is there."""
    person = Person(bare_world, root)
    places = [os.path.join(bare_world.base, "etc"), os.path.join(bare_world.home, ".config")]
    before = [snapshot(place) for place in places]
    foretold = person.play("--check", "--diff")
    assert foretold.status != 0 and "no_policy" in foretold.printed, foretold.printed
    assert "+++ after: " in foretold.printed and "insecureAcceptAnything" in foretold.printed
    assert [snapshot(place) for place in places] == before
    assert person.play().status == 0
    foretold = person.play("--check", "--diff")
    assert foretold.status == 0 and foretold.changed == {"Mount it"}, foretold.printed


@only_long
def test_it_tells_a_user_that_subordinate_ids_are_missing(bare_world: UserWorld) -> None:
    for name in ("subuid", "subgid"):
        bare_world.write(name, "")
    done = Person(bare_world, root=False).play()
    assert done.status != 0
    assert f"/etc/subuid: the user {NAME} has no subordinate IDs" in done.printed
    assert f"wanted a line such as {NAME}:" in done.printed
