# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Automatic user namespaces: podman and we give the containers of one store IDs that no other has, and as many as podman says."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lab.commands import CommandFailed, run
from lab.configured_store import ConfiguredStore
from lab.long_run import LONG, only_long, sample
from lab.modules import ModuleResult, module_process, module_result, run_module
from lab.odd_images import PLAIN, Entry, ImageLayout, make_tar
from lab.program_stores import PROGRAM
from lab.store_state import records
from lab.stores import Store, mounts_below
from lab.trees import snapshot

IMAGE, LISTS = "example.com/users:1", "example.com/lists:1"
# More than the smallest size that a container gets anyway.
USER, GROUP, OWNER = 2000, 2200, 2500
FIRST, COUNT = 3_000_000, 9000
PASSWD = f"root:x:0:0::/:/bin/sh\nuser:x:{USER}:7::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"
GROUPS = f"root:x:0:\nlarge:x:{GROUP}:\nnogroup:x:65534:\n"
# Runs a command that sees other files of subordinate IDs than the machine has.
_OTHERS = 'mount --bind "$1" /etc/subuid && mount --bind "$2" /etc/subgid && shift 2 && exec "$@"'


@dataclass(frozen=True)
class Bench:
    """A store and the files of subordinate IDs that all commands on it see."""

    store: ConfiguredStore
    prefix: tuple[str, ...]

    def podman(self, *arguments: str) -> str:
        return run([*self.prefix, *self.store.podman_command(*arguments)]).strip()

    def create(self, name: str, userns: str, check: bool = False, image: str = IMAGE) -> ModuleResult:
        return run_module("container_create", self.options(name, userns, image), check=check, prefix=self.prefix)

    def options(self, name: str, userns: str, image: str = IMAGE) -> dict[str, Any]:
        return {**self.store.module_options(), "name": name, "image": image, "userns": userns}

    def maps(self, name: str) -> tuple[list[dict[str, int]], list[dict[str, int]]]:
        record = next(record for record in records(self.store, "containers") if name in record.get("names", []))
        return record.get("uidmap", []), record.get("gidmap", [])

    def disjoint(self) -> bool:
        """Whether no two containers have an ID of the host in common."""
        for kind in ("uidmap", "gidmap"):
            entries = [entry for record in records(self.store, "containers") for entry in record.get(kind, [])]
            ids = [number for entry in entries for number in range(entry["host_id"], entry["host_id"] + entry["size"])]
            if len(ids) != len(set(ids)) or not all(FIRST <= number < FIRST + COUNT for number in ids):
                return False
        return True


@pytest.fixture
def make_bench(make_store: Callable[[str], Store], tmp_path: Path) -> Callable[..., Bench]:
    def make(ranges: str = f"somebody:{FIRST}:{COUNT}\n", *options: str) -> Bench:
        layout = ImageLayout(str(tmp_path / "layout"))
        files = [Entry("etc/group", content=GROUPS.encode()), Entry("etc/passwd", content=PASSWD.encode())]
        layout.add_image("users", [(make_tar([Entry("owned", uid=OWNER, gid=1)]), PLAIN), (make_tar(files), PLAIN)])
        # Without a file that belongs to them, and behind a link that leads out of the tree for who follows it from outside.
        files = [Entry("users", content=PASSWD.encode()), Entry("etc/passwd", b"2", target="/../users"), files[0]]
        layout.add_image("lists", [(make_tar(files), PLAIN), (make_tar([Entry("owned", uid=1, gid=1)]), PLAIN)])
        store = ConfiguredStore(make_store("store").base, options=['root-auto-userns-user = "somebody"', *options])
        store.configure()
        for name in (IMAGE, LISTS):
            source = f"oci:{layout.directory}:{name.partition('/')[2].partition(':')[0]}"
            run(["skopeo", "--insecure-policy", "copy", source, store.bracket + name])
        file = tmp_path / "ranges"
        file.write_text("others:5:5\n" + ranges, encoding="ascii")
        return Bench(store, ("unshare", "--mount", "sh", "-c", _OTHERS, "sh", str(file), str(file)))

    return make


def sizes(maps: tuple[list[dict[str, int]], list[dict[str, int]]]) -> list[int]:
    return [sum(entry["size"] for entry in kind) for kind in maps]


def by_id(entries: list[dict[str, int]]) -> list[dict[str, int]]:
    return sorted(entries, key=lambda entry: entry["container_id"])


def test_the_users_that_the_image_lists_get_ids_too(make_bench: Callable[..., Bench]) -> None:
    """As upstream means it; podman 4.3 does not look at the image's groups, and follows links to files of the host."""
    bench = make_bench()
    assert bench.create("box", "auto", image=LISTS).changed
    assert sizes(bench.maps("box")) == [GROUP + 1, GROUP + 1]


def test_a_list_that_a_layer_took_away_asks_for_nothing_with_a_mount_program_too(
    make_bench: Callable[..., Bench], tmp_path: Path
) -> None:
    bench = make_bench(f"somebody:{FIRST}:{COUNT}\n", f'mount_program = "{PROGRAM}"')
    layout = ImageLayout(str(tmp_path / "gone"))
    layers = [[Entry("etc/passwd", content=PASSWD.encode())], [Entry("etc/.wh.passwd")]]
    layout.add_image("gone", [(make_tar(entries), PLAIN) for entries in layers])
    source = f"oci:{layout.directory}:gone"
    command = ["skopeo", "--insecure-policy", "copy", source, "containers-storage:example.com/gone:1"]
    run(["env", f"CONTAINERS_STORAGE_CONF={bench.store.conf}", *command])
    assert os.path.exists(os.path.join(bench.store.root, "overlay", ".has-mount-program"))
    bench.podman("create", "--name", "theirs", "--userns=auto", "example.com/gone:1", "true")
    assert bench.create("ours", "auto", image="example.com/gone:1").changed
    assert sizes(bench.maps("ours")) == sizes(bench.maps("theirs")) == [1024, 1024]


def test_podman_and_we_share_the_ids(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench()
    bench.podman("create", "--name", "theirs", "--userns=auto", IMAGE, "true")
    assert sizes(bench.maps("theirs")) == [OWNER + 1, OWNER + 1]
    before, mounts = snapshot(bench.store.base), mounts_below(bench.store.base)
    foreseen = bench.create("ours", "auto", check=True)
    assert foreseen.changed and snapshot(bench.store.base) == before
    made = bench.create("ours", "auto")
    assert made.changed, made.text
    for key, found in zip(("uid_map", "gid_map"), bench.maps("ours")):
        assert foreseen["container"][key] == made["container"][key] == found
    assert sizes(bench.maps("ours")) == [OWNER + 1, OWNER + 1]
    again = bench.create("ours", "auto")
    assert not again.changed and again["differences"] == []
    bench.podman("create", "--name", "more", "--userns=auto", IMAGE, "true")
    assert len(records(bench.store, "containers")) == 3 and bench.disjoint()
    assert mounts_below(bench.store.base) == mounts
    # What a container had is free again, and taken first.
    freed = bench.maps("theirs")
    bench.podman("rm", "theirs")
    assert bench.create("next", "auto").changed and bench.maps("next") == freed
    assert bench.disjoint()


# The words are read in the unit tests.
@only_long
def test_the_options_of_auto_are_podmans(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench()
    wanted = "auto:size=100,uidmapping=5:9:1,gidmapping=200:8:2"
    bench.podman("create", "--name", "theirs", f"--userns={wanted}", IMAGE, "true")
    theirs = bench.maps("theirs")
    bench.podman("rm", "theirs")
    assert bench.create("ours", wanted).changed
    for ours, of_podman in zip(bench.maps("ours"), theirs):
        assert by_id(ours) == by_id(of_podman)
    assert not bench.create("ours", wanted).changed
    other = bench.create("ours", "auto:size=101")
    assert not other.changed and [difference["what"] for difference in other["differences"]] == ["userns"]
    none = bench.create("ours", "host")
    assert {difference["what"] for difference in none["differences"]} == {"uid_map", "gid_map"}
    assert bench.create("plain", "host").changed and bench.maps("plain") == ([], [])
    assert [difference["what"] for difference in bench.create("plain", "auto")["differences"]] == ["userns"]


# Three processes are started.
@only_long
def test_two_at_once_get_different_ids(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench()
    processes = [
        module_process("container_create", bench.options(name, "auto:size=1000"), prefix=bench.prefix)
        for name in ("one", "two", "three")
    ]
    results = [module_result("container_create", process) for process in processes]
    assert all(result.changed for result in results), results
    assert len(records(bench.store, "containers")) == 3 and bench.disjoint()


ERRORS: list[tuple[str, tuple[str, ...], str]] = [
    ("", (), "no_subordinate_ids"),
    (f"somebody:{FIRST}:{OWNER}\n", (), "no_free_ids"),
    (f"somebody:{FIRST}:{COUNT}\n", (f"auto-userns-max-size = {OWNER}",), "userns_too_large"),
    (f"somebody:{FIRST}:{COUNT}\n", ('auto-userns-min-size = "many"',), "invalid_config"),
]


@pytest.mark.parametrize(("ranges", "options", "code"), sample(ERRORS, 1))
def test_what_cannot_be_is_an_error_for_podman_too(
    make_bench: Callable[..., Bench], ranges: str, options: tuple[str, ...], code: str
) -> None:
    bench = make_bench(ranges)
    # skopeo has written the image by then.
    ConfiguredStore(bench.store.base, options=[*bench.store.options, *options]).configure()
    for check in (True, False) if LONG else (False,):
        result = bench.create("box", "auto", check)
        assert result.code == code, result.text
    assert records(bench.store, "containers") == []
    with pytest.raises(CommandFailed):
        bench.podman("create", "--name", "theirs", "--userns=auto", IMAGE, "true")
