# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Damage done to a store by hand, each kind by its name. What is known of the format here does not come from our code."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .stores import Store

ORPHAN = "0123456789abcdef" * 4


def records(store: Store, kind: str) -> list[dict[str, Any]]:
    """The records of ``layers``, ``images`` or ``containers``."""
    text = Path(records_path(store, kind)).read_text(encoding="utf-8")
    found: list[dict[str, Any]] = json.loads(text or "[]")
    return found


def records_path(store: Store, kind: str) -> str:
    return os.path.join(store.root, f"overlay-{kind}", f"{kind}.json")


def rewrite(store: Store, kind: str, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Changes the records of a kind in place."""
    found = records(store, kind)
    change(found)
    Path(records_path(store, kind)).write_text(json.dumps(found), encoding="utf-8")


def image_of(store: Store, name: str) -> dict[str, Any]:
    """The record of the image with this name."""
    return next(image for image in records(store, "images") if name in image.get("names", []))


def layer_of(store: Store, name: str) -> dict[str, Any]:
    """The record of the top layer of the image with this name."""
    top = image_of(store, name)["layer"]
    return next(layer for layer in records(store, "layers") if layer["id"] == top)


def tree(store: Store, layer_id: str, *parts: str) -> str:
    """A path in the driver's directory of a layer."""
    return os.path.join(store.root, "overlay", layer_id, *parts)


def tar_split(store: Store, layer_id: str) -> str:
    return os.path.join(store.root, "overlay-layers", f"{layer_id}.tar-split.gz")


def link_path(store: Store, layer_id: str) -> str:
    """The short link of a layer."""
    name = Path(tree(store, layer_id, "link")).read_text(encoding="ascii")
    return os.path.join(store.root, "overlay", "l", name)


def item_path(store: Store, image: dict[str, Any], key: str) -> str:
    """The file of a big data item of an image."""
    plain = all(letter in ".0123456789abcdefghijklmnopqrstuvwxyz" for letter in key)
    name = key if plain else "=" + base64.b64encode(key.encode()).decode()
    return os.path.join(store.root, "overlay-images", image["id"], name)


def flip(path: str) -> None:
    """Turns one bit of a file over, and leaves its times as they were."""
    status = os.stat(path)
    data = bytearray(Path(path).read_bytes())
    data[len(data) // 2] ^= 1
    Path(path).write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def cut(path: str) -> None:
    """Leaves the first half of a file."""
    os.truncate(path, os.path.getsize(path) // 2)


def lose_link_file(store: Store, layer_id: str) -> None:
    os.unlink(tree(store, layer_id, "link"))


def lose_link(store: Store, layer_id: str) -> None:
    os.unlink(link_path(store, layer_id))


def lose_both_links(store: Store, layer_id: str) -> None:
    lose_link(store, layer_id)
    lose_link_file(store, layer_id)


def lose_tree(store: Store, layer_id: str) -> None:
    shutil.rmtree(tree(store, layer_id))


def lose_record(store: Store, layer_id: str) -> None:
    rewrite(store, "layers", lambda layers: layers.remove(next(item for item in layers if item["id"] == layer_id)))


def flag_incomplete(store: Store, layer_id: str) -> None:
    change_layer(store, layer_id, flags={"incomplete": True})


def change_layer(store: Store, layer_id: str, **values: Any) -> None:
    """Gives fields of a layer's record other values; a keyword's ``_`` is a key's ``-``."""
    fields = {key.replace("_", "-"): value for key, value in values.items()}
    rewrite(store, "layers", lambda layers: next(item for item in layers if item["id"] == layer_id).update(fields))
