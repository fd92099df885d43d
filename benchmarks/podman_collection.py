# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection ``containers.podman``, taken out of the ``ansible`` package of the Python index, once."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import zipfile

from lab.commands import run

# Pinned, as all that developers run with: the package that goes with the pinned ansible-core.
_PACKAGE = "ansible"
_VERSION = "12.3.0"
_COLLECTION = "ansible_collections/containers/podman"


def podman_collection(cache: str) -> str:
    """The directory below which ``ansible_collections/containers/podman`` lies; the first call downloads 55 MB.

    Nothing is installed: of the package only the files of that collection are kept. Raises CommandFailed.
    """
    place = os.path.join(cache, f"{_PACKAGE}-{_VERSION}")
    if not os.path.isdir(place):
        os.makedirs(cache, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            _download(scratch)
            _unpack(scratch, os.path.join(scratch, "kept"))
            shutil.move(os.path.join(scratch, "kept"), place)
    return place


def collection_version(place: str) -> str:
    """The version of the collection below ``place``."""
    with open(os.path.join(place, _COLLECTION, "MANIFEST.json"), encoding="utf-8") as stream:
        return str(json.load(stream)["collection_info"]["version"])


def _download(directory: str) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    run([*pip, "download", "--no-deps", "--only-binary", ":all:", "--dest", directory, f"{_PACKAGE}=={_VERSION}"])


def _unpack(directory: str, target: str) -> None:
    (wheel,) = (name for name in os.listdir(directory) if name.endswith(".whl"))
    with zipfile.ZipFile(os.path.join(directory, wheel)) as archive:
        archive.extractall(target, [name for name in archive.namelist() if name.startswith(f"{_COLLECTION}/")])
