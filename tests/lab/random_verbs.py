# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks by chance on one store, between commands of other tools, and what each task has to keep to whatever was done before."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from .commands import CommandFailed
from .fixtures import push
from .modules import ModuleResult, run_module
from .odd_images import PLAIN, Entry, ImageLayout, make_tar
from .registry import Registry
from .store_state import records
from .stores import Store, mounts_below
from .trees import snapshot

# What a run makes, or only the content of a layer tells: check mode returns null for it.
_LATER = frozenset(["id", "layer_id", "created", "path", "metadata", "size"])
# Nothing is downloaded in check mode, and what was done is told by who did it.
_NOT_FORETOLD = frozenset(["bytes_downloaded", "steps", "invocation"])
_REPOSITORIES = ("app:1", "app:2", "team/other:1")
_NAMES = ("mine", "localhost/mine:2", "example.com/app:1", "app", "other:1")

Task = tuple[str, dict[str, Any]]


class RandomVerbs:
    """A player whose dice are loaded with ``seed``; ``history`` tells what it did."""

    def __init__(
        self, store: Store, registry: Registry, layout: ImageLayout, options: dict[str, Any], seed: int
    ) -> None:
        self._dice = random.Random(seed)
        self._store = store
        self._layout = layout
        self._pull_options = {**options, "retries": 0}
        self._places = [registry.reference(f"verbs/{seed}/{name}") for name in _REPOSITORIES]
        self._pushed = 0
        self.history = [f"seed {seed}"]
        for place in self._places:
            self._push(place)
        store.podman("pull", "--quiet", "--tls-verify=false", *self._places)

    def step(self) -> None:
        """A task of ours, judged, or a command of another tool. Raises AssertionError."""
        if self._dice.random() < 0.4:
            self._theirs()
            return
        ours = (
            self._pull,
            self._tag,
            self._remove,
            self._prune,
            self._create,
            self._mount,
            self._mount_image,
            self._check,
        )
        (choose,) = self._dice.choices(ours, (5, 3, 4, 2, 5, 4, 4, 1))
        module, arguments = choose()
        self.history.append(f"{module} {json.dumps(arguments)}")
        try:
            self._judge(module, arguments)
        except AssertionError as error:
            raise AssertionError("\n".join([str(error), *self.history])) from error

    def _run(self, module: str, arguments: dict[str, Any], *, check: bool = False) -> ModuleResult:
        options = self._pull_options if module == "image_pull" else {}
        return run_module(module, {**self._store.module_options(), **options, **arguments}, check=check)

    def _state(self) -> tuple[Any, ...]:
        return snapshot(self._store.root), snapshot(self._store.run_root), mounts_below(self._store.base)

    def _judge(self, module: str, arguments: dict[str, Any]) -> None:
        """Check mode writes nothing and tells what the run does, and a second run finds nothing to do."""
        untouched = self._state()
        foretold = self._run(module, arguments, check=True)
        assert self._state() == untouched, "check mode writes"
        done = self._run(module, arguments)
        self.history[-1] += f" -> {done.code or ('changed' if done.changed else 'unchanged')}"
        verdicts = [(result.failed, result.code, result.changed) for result in (foretold, done)]
        assert verdicts[0] == verdicts[1], done.text
        _compare(module, foretold.data, done.data)
        settled = self._state()
        assert done.changed is (settled != untouched), done.text
        if not done.failed and arguments.get("recreate") != "always":
            for check in (True, False):
                again = self._run(module, arguments, check=check)
                assert (again.failed, again.changed) == (False, False), again.text
                assert self._state() == settled, "a second run writes"
        self._judges_agree()

    def _judges_agree(self) -> None:
        """podman lists the images that we list, under the same names, and the store is whole."""
        listed = self._store.podman_json("images", "--all", "--no-trunc", "--format", "json") or []
        ours = self._run("image_info", {})["images"]
        assert {row["Id"]: row.get("Names") or [] for row in listed} == {row["id"]: row["names"] for row in ours}
        listed = self._store.podman_json("ps", "--all", "--external", "--no-trunc", "--format", "json") or []
        containers = self._run("container_info", {})["containers"]
        assert sorted((row["Id"], row["ImageID"]) for row in listed) == sorted(
            (row["id"], row["image_id"]) for row in containers
        )
        checked = self._run("store_check", {"deep": True})
        assert checked["healthy"], checked.text

    def _pull(self) -> Task:
        some = self._dice.sample(self._places, self._dice.choice((1, 1, 2)))
        arguments: dict[str, Any] = {"name": some, "pull": self._dice.choice(("always", "always", "missing", "never"))}
        if len(some) == 1 and self._dice.random() < 0.3:
            arguments["names"] = [self._dice.choice(_NAMES)]
        return "image_pull", arguments

    def _tag(self) -> Task:
        targets = [self._dice.choice((*_NAMES, *self._places)) for _number in range(self._dice.choice((1, 2)))]
        existing = self._dice.choice(("move", "move", "keep", "fail"))
        return "image_tag", {"name": self._image(), "target_names": targets, "existing": existing}

    def _remove(self) -> Task:
        names = [self._image() for _number in range(self._dice.choice((1, 1, 2)))]
        return "image_remove", {"name": names, "force": self._dice.random() < 0.3}

    def _prune(self) -> Task:
        keep = [self._dice.choice(("*:1", "mine"))] if self._dice.random() < 0.5 else []
        return "image_prune", {"all": self._dice.random() < 0.5, "keep": keep}

    def _create(self) -> Task:
        if self._dice.random() < 0.3:
            return "container_create", {
                "name": self._container(),
                "state": "absent",
                "force": self._dice.random() < 0.5,
            }
        recreate = self._dice.choice(("never", "never", "on_image_change", "always"))
        return "container_create", {"image": self._image(), "name": self._container(), "recreate": recreate}

    def _mount(self) -> Task:
        return "container_mount", {"name": self._container(), **self._how_mounted()}

    def _mount_image(self) -> Task:
        return "image_mount", {"name": self._image(), **self._how_mounted()}

    def _how_mounted(self) -> dict[str, Any]:
        state = self._dice.choice(("mounted", "mounted", "unmounted"))
        return {"state": state, "force": self._dice.random() < 0.2}

    def _check(self) -> Task:
        return "store_check", {"repair": True, "deep": self._dice.random() < 0.5}

    def _theirs(self) -> None:
        """What podman and buildah refuse here is as good as what they do."""
        podman, buildah = self._store.podman, self._store.buildah
        commands: list[tuple[str, Callable[[], object]]] = [
            ("podman tag", lambda: podman("tag", self._image(), self._dice.choice(_NAMES))),
            ("podman untag", lambda: podman("untag", self._image())),
            ("podman rmi", lambda: podman("rmi", self._image())),
            ("podman pull", lambda: podman("pull", "--quiet", "--tls-verify=false", self._dice.choice(self._places))),
            ("podman image mount", lambda: podman("image", "mount", self._image())),
            ("podman image umount", lambda: podman("image", "umount", self._image())),
            ("buildah from", lambda: buildah("from", "--pull-never", "--name", self._container(), self._image())),
            ("buildah mount", lambda: buildah("mount", self._container())),
            ("buildah umount", lambda: buildah("umount", self._container())),
            ("push", lambda: self._push(self._dice.choice(self._places))),
        ]
        name, command = self._dice.choice(commands)
        try:
            self.history.append(f"{name}: {command()}")
        except CommandFailed as error:
            self.history.append(f"{name}: {error}")
        # What it left of our marks of mounts, the next task removes that may change the store, whatever it is asked to do.
        self._run("image_prune", {"keep": ["*"]})

    def _image(self) -> str:
        """An image of the store by a name, its ID or the beginning of that; now and then one that is not there."""
        images = records(self._store, "images")
        if not images or self._dice.random() < 0.05:
            return "example.com/none:1"
        image = self._dice.choice(sorted(images, key=lambda record: str(record["id"])))
        return str(
            self._dice.choice([*(image.get("names") or []), *(image.get("names") or []), image["id"], image["id"][:12]])
        )

    def _container(self) -> str:
        """A container of the store by its name, or one that may not be there."""
        names = sorted(name for record in records(self._store, "containers") for name in record.get("names") or [])
        return self._dice.choice(names if names and self._dice.random() < 0.7 else ["box", "web", "crate"])

    def _push(self, place: str) -> None:
        """Another image under this name: some of the same few layers, and labels of its own."""
        self._pushed += 1
        name = f"pushed-{self._pushed}"
        words = self._dice.choice((("one",), ("one", "two"), ("one", "two", "three"), ("four",), ()))
        layers = [(make_tar([Entry(f"{word}/file", content=word.encode() * 500)]), PLAIN) for word in words]
        self._layout.add_image(name, layers, config={"Labels": {"number": str(self._dice.randrange(4))}})
        push(self._layout, name, place)


def _compare(place: str, foretold: Any, found: Any) -> None:
    """Fails where check mode told something else."""
    if isinstance(foretold, dict) and isinstance(found, dict):
        assert foretold.keys() == found.keys(), place
        for key in foretold.keys() - _NOT_FORETOLD:
            if foretold[key] is not None or key not in _LATER:
                _compare(f"{place}.{key}", foretold[key], found[key])
    elif isinstance(foretold, list) and isinstance(found, list) and len(foretold) == len(found):
        for one, other in zip(foretold, found):
            _compare(place, one, other)
    else:
        assert foretold == found, place
