# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same store twice: we change the one, podman the other, and both must look the same."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .btrfs import copy_with_subvolumes
from .commands import run
from .odd_images import PLAIN, Entry, ImageLayout, make_tar
from .stores import Store

_KINDS = ("layers", "images", "containers")


def twin_of(store: Store, twin: Store) -> Store:
    """Makes ``twin`` a copy of ``store`` as it is. podman's own containers do not come with it."""
    copy_files(store, store.root, twin.root)
    # podman's database holds the paths of its store, and refuses to work on any other.
    run(["rm", "-rf", os.path.join(twin.root, "libpod")])
    return twin


def copy_files(store: Store, source: str, target: str) -> None:
    """Makes ``target`` a copy of ``source``, which is a root of the store, without what is mounted in it."""
    if store.driver == "btrfs":
        copy_with_subvolumes(source, target)
    else:
        run(["cp", "-ax", source, target])


def picture(store: Store) -> dict[str, Any]:
    """Every record of the store as data, and which images, layers, containers and links have files there."""
    found: dict[str, Any] = {}
    for kind in _KINDS:
        directory = os.path.join(store.root, f"overlay-{kind}")
        path = os.path.join(directory, f"{kind}.json")
        text = Path(path).read_text(encoding="utf-8") if os.path.exists(path) else ""
        found[kind] = json.loads(text or "[]")
        names = os.listdir(directory) if os.path.isdir(directory) else []
        found[f"{kind} with files"] = sorted(name for name in names if not name.startswith(f"{kind}."))
    home = os.path.join(store.root, "overlay")
    found["trees"] = sorted(name for name in os.listdir(home) if len(name) == 64)
    found["links"] = sorted(os.listdir(os.path.join(home, "l")))
    return found


def fill(store: Store, directory: Path, images: Sequence[tuple[str, Sequence[str], dict[str, Any]]]) -> None:
    """Has skopeo put images into the store: each a name, the files of its layers (one a layer), and its labels."""
    layout = ImageLayout(str(directory))
    for name, files, labels in images:
        layers = [(make_tar([Entry(file, content=file.encode() * 100)]), PLAIN) for file in files]
        layout.add_image(name, layers, config={"Labels": labels})
        run(["skopeo", "--insecure-policy", "copy", f"oci:{layout.directory}:{name}", store.bracket + name])


def build(store: Store, directory: Path, name: str, steps: Sequence[str]) -> str:
    """Has podman build an image in steps, each an image of its own, and returns its ID."""
    directory.mkdir()
    (directory / "content").write_text(name, encoding="utf-8")
    (directory / "Containerfile").write_text("\n".join(("FROM scratch", *steps)), encoding="utf-8")
    return store.podman("build", "--layers", "--quiet", "--tag", name, str(directory))
