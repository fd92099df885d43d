# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""podman deletes or names the image between two looks of a pull at the store: the pull ends with the image, and no name is lost."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Optional

import pytest
from lab.collection import collections_root
from lab.commands import run
from lab.modules import ModuleResult, run_module
from lab.odd_images import PLAIN, Entry, ImageLayout, make_tar
from lab.recording_server import Answer, Heard, RecordingServer, registry_of
from lab.stores import Store

EXTRA, THEIRS = "localhost/extra:1", "localhost/theirs:1"


class Bench:
    """A store, and a registry that keeps signatures beside the image: whoever has found the image present asks for them last."""

    def __init__(self, store: Store, layout: ImageLayout, directory: Path, pull_options: dict[str, Any]) -> None:
        self.store = store
        self.server = RecordingServer(self._answer)
        self._serve = registry_of(layout)
        self._meanwhile: list[Callable[[], object]] = []
        self._options = {**store.module_options(), **pull_options, "registries_d": str(directory)}
        place = f"default-docker: {{lookaside: 'http://{self.server.host}/signatures'}}"
        (directory / "default.yaml").write_text(place, encoding="utf-8")

    @property
    def app(self) -> str:
        return self.server.reference("team/app:1")

    def options(self, **options: Any) -> dict[str, Any]:
        return {**self._options, "name": [self.app], **options}

    def pull(self, meanwhile: Optional[Callable[[], object]] = None, **options: Any) -> ModuleResult:
        """A pull, and what happens while it waits for the signatures."""
        self._meanwhile = [meanwhile] if meanwhile else []
        result = run_module("image_pull", self.options(**options))
        assert not result.failed, result.text
        assert self._meanwhile == []
        return result

    def remove(self) -> None:
        self.store.podman("rmi", "--force", self.app)

    def names(self) -> list[str]:
        """All names in the store, as podman lists them."""
        found = self.store.podman_json("images", "--all", "--format", "json")
        return sorted({name for image in found for name in image["Names"]})

    def _answer(self, heard: Heard) -> Optional[Answer]:
        if not heard.target.startswith("/signatures/"):
            return self._serve(heard)
        if self._meanwhile:
            self._meanwhile.pop()()
        return None


@pytest.fixture
def bench(make_store: Callable[[str], Store], pull_options: dict[str, Any], tmp_path: Path) -> Iterator[Bench]:
    layout = ImageLayout(str(tmp_path / "layout"))
    layout.add_image("1", [(make_tar([Entry(name, content=b"x")]), PLAIN) for name in ("base", "top")])
    directory = tmp_path / "registries.d"
    directory.mkdir()
    bench = Bench(make_store("store"), layout, directory, pull_options)
    with bench.server:
        yield bench


@pytest.mark.parametrize("names", [[], [EXTRA]], ids=["nothing to do", "a name to give"])
def test_an_image_that_goes_while_it_is_found_present_is_pulled_again(bench: Bench, names: list[str]) -> None:
    bench.pull()
    result = bench.pull(bench.remove, names=names)
    assert result.changed and result["image"]["plan"]["fetch"] == 2
    assert bench.names() == sorted([bench.app, *names])


def test_an_image_that_goes_as_soon_as_it_is_stored_is_pulled_again(bench: Bench) -> None:
    paths = {"PYTHONPATH": os.pathsep.join(filter(None, [collections_root(), *sys.path]))}
    task = [bench.options(), bench.store.podman_command("rmi", bench.app)]
    said = run([sys.executable, "-m", "lab.losing_pull"], stdin=json.dumps(task).encode(), env=paths)
    assert json.loads(said) == {"changed": True, "stored": 2}
    assert bench.names() == [bench.app]


def test_a_name_that_podman_gives_meanwhile_is_kept(bench: Bench) -> None:
    bench.pull()
    assert bench.pull(lambda: bench.store.podman("tag", bench.app, THEIRS), names=[EXTRA]).changed
    assert bench.names() == sorted([bench.app, EXTRA, THEIRS])
