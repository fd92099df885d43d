# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every refusal of a module has in common: one clear error, nothing changed, nothing left, no traceback."""

from __future__ import annotations

import json
import os

from .modules import ModuleResult
from .stores import Store


def check_refusal(result: ModuleResult, store: Store, code: str, *words: str) -> None:
    """Fails unless ``result`` is an error ``code`` that says ``words``, changed nothing and left nothing in ``store``."""
    assert result.failed and not result.changed, result.text
    assert result.code == code, result.text
    for word in words:
        assert word in result["msg"], result["msg"]
    assert "Traceback" not in result.text
    assert store_leftovers(store) == []


def store_leftovers(store: Store) -> list[str]:
    """Whatever of images, layers, staging or temporary files is in the store."""
    left = []
    for directory, _subdirectories, files in os.walk(store.base):
        for name in files:
            path = os.path.join(directory, name)
            # The mark by which every tool notes that the driver needs no helper belongs to the store, not to an image.
            if name.endswith(".lock") or name == ".has-mount-program":
                continue
            if name.endswith(".json"):
                with open(path, encoding="utf-8") as stream:
                    if json.load(stream) == []:
                        continue
            left.append(path)
    overlay = os.path.join(store.root, "overlay")
    if os.path.isdir(overlay):
        left += [os.path.join(overlay, name) for name in os.listdir(overlay) if name not in ("l", ".has-mount-program")]
    return left
