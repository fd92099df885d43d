# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the programs that were timed did the whole work: the same trees, the right digests, tar-split data, checks.

The judges are podman, skopeo and sha256; nothing is taken from our own word.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lab.commands import run
from programs import ACCELERATORS, Image, blocked, bracket, podman_command, store, strata

_WHITEOUT = ".wh."
# The type of a record of tar-split that names a member of the archive.
_FILE = 1


class WrongResult(Exception):
    """A program was fast because it did not do what it was timed for."""


def verify_records(image: Image, directory: str) -> None:
    """That the store of a run has each layer, whole, and the image under its name. Raises WrongResult."""
    layers = _records(directory, "overlay-layers/layers.json")
    whole = {layer.get("diff-digest") for layer in layers if not (layer.get("flags") or {}).get("incomplete")}
    missing = [diff_id for _digest, diff_id in image.layers if diff_id not in whole]
    if missing:
        raise WrongResult(f"{directory} lacks layers of {image.repository}: {missing}")
    if not any(
        image.name in (record.get("names") or ()) for record in _records(directory, "overlay-images/images.json")
    ):
        raise WrongResult(f"{directory} has no image {image.name}")


def verify_stores(image: Image, directories: dict[str, str]) -> list[str]:
    """What was found right of the stores in ``directories`` (by program), in sentences. Raises WrongResult."""
    trees = {program: _tree(image, directory) for program, directory in directories.items()}
    first = next(iter(trees))
    for program, tree in trees.items():
        if tree != trees[first]:
            raise WrongResult(
                f"{image.repository}: the trees of {first} and {program} differ: {_difference(trees[first], tree)}"
            )
        _verify_export(image, program, directories[program])
    names = "; ".join(f"*{program}*" for program in trees)
    return [
        f"{len(trees[first])} entries, the same (content, owner, mode, times, attributes) in the stores of {names}",
        "skopeo exports from each of these stores every layer with its diff ID",
    ]


def verify_c_pipeline(image: Image, directory: str, judge: str) -> str:
    """That the bare pipeline computed both digests of each layer, and wrote what the store in ``judge`` has of it. Raises WrongResult."""
    by_diff_id = {layer["diff-digest"]: layer["id"] for layer in _records(judge, "overlay-layers/layers.json")}
    entries = 0
    for number, (digest, diff_id) in enumerate(image.layers):
        tree = os.path.join(directory, "trees", f"{number:02}")
        for kind, wanted in (("blob", digest), ("diff", diff_id)):
            with open(f"{tree}.{kind}", encoding="utf-8") as stream:
                if f"sha256:{stream.read().split()[0]}" != wanted:
                    raise WrongResult(f"{image.repository}: the C pipeline has another digest of layer {number}")
        found = _files(tree)
        wanted_files = _files(os.path.join(store(judge), "overlay", by_diff_id[diff_id], "diff"))
        if found != wanted_files:
            raise WrongResult(
                f"{image.repository}: the C pipeline has another layer {number}: {_difference(wanted_files, found)}"
            )
        entries += len(found)
    return f"the C pipeline has digest, diff ID and all files ({entries}) of {_layers(len(image.layers))}"


def verify_tar_split(image: Image, directory: str) -> str:
    """That our store has the data from which each layer's tar is made again. Raises WrongResult."""
    layers = os.path.join(store(directory), "overlay-layers")
    records = _records(directory, "overlay-layers/layers.json")
    for record in records:
        path = os.path.join(layers, f"{record['id']}.tar-split.gz")
        with gzip.open(path, "rb") as stream:
            names = [entry for entry in map(json.loads, stream) if entry["type"] == _FILE]
        if not names:
            raise WrongResult(f"{path} names no file")
    return f"our pull has written the tar-split data of {_layers(len(records))}"


def verify_checks(image: Image, directory: str, registry_storage: str) -> list[str]:
    """That our module checks policy and digests, by what it refuses. Raises WrongResult."""
    found = [
        _refused(
            image, os.path.join(directory, "policy"), "an image that the policy rejects", "policy_refused", _reject
        )
    ]
    with _flipped(image, registry_storage):
        place = os.path.join(directory, "digest")
        found.append(_refused(image, place, "a layer with a flipped byte", "digest_mismatch"))
    return found


def verify_diff_id_check(image: Image, directory: str) -> str:
    """That our module checks diff IDs, by an image that promises another one than its layer has. Raises WrongResult."""
    return _refused(
        image,
        os.path.join(directory, "diff-id"),
        "a layer with another diff ID than the config says",
        "diff_id_mismatch",
    )


def verify_accelerators(directory: str) -> str:
    """That our module has the accelerators in one program and not in the other. Raises WrongResult."""
    environments = [{"PYTHONPATH": ""}, blocked(directory, ACCELERATORS)]
    for library in ACCELERATORS:
        command = [sys.executable, "-c", f"import {library}"]
        there = [
            not subprocess.run(
                command, env={**os.environ, **environment}, stderr=subprocess.DEVNULL, check=False
            ).returncode
            for environment in environments
        ]
        if there != [True, False]:
            raise WrongResult(f"with accelerators and without, {library} can be imported: {there}")
    return f"{' and '.join(ACCELERATORS)} can be imported by *strata*, and by *strata, no accelerators* they cannot"


def _refused(
    image: Image, directory: str, what: str, code: str, spoil: Callable[[str], None] = lambda _directory: None
) -> str:
    os.makedirs(directory)
    command = strata(image, directory)
    spoil(directory)
    done = subprocess.run(command.command, capture_output=True, check=False)
    answer = json.loads(done.stdout)
    if not answer.get("failed") or answer["error"]["code"] != code:
        raise WrongResult(f"{what} was not refused as {code}: {answer}")
    return f"{what} is refused (`{code}`)"


def _layers(count: int) -> str:
    return f"{count} layers" if count > 1 else "its layer"


def _records(directory: str, name: str) -> list[dict[str, Any]]:
    with open(os.path.join(store(directory), name), "rb") as stream:
        records: list[dict[str, Any]] = json.load(stream)
    return records


def _tree(image: Image, directory: str) -> list[tuple[Any, ...]]:
    mount = run([*podman_command(directory), "image", "mount", image.name]).strip()
    try:
        return sorted(_entries(mount))
    finally:
        run([*podman_command(directory), "image", "umount", image.name])


def _entries(root: str) -> Iterator[tuple[Any, ...]]:
    for place, directories, files in os.walk(root):
        for name in [*directories, *files]:
            path = os.path.join(place, name)
            status = os.lstat(path)
            content = ""
            if stat.S_ISREG(status.st_mode):
                with open(path, "rb") as stream:
                    content = hashlib.file_digest(stream, "sha256").hexdigest()
            elif stat.S_ISLNK(status.st_mode):
                content = os.readlink(path)
            when = 0 if stat.S_ISDIR(status.st_mode) else status.st_mtime_ns
            attributes = tuple(
                (name, os.getxattr(path, name, follow_symlinks=False))
                for name in os.listxattr(path, follow_symlinks=False)
            )
            yield os.path.relpath(path, root), status.st_mode, status.st_uid, status.st_gid, when, content, attributes


def _files(layer: str) -> list[tuple[Any, ...]]:
    """What a layer adds: files and links. How it removes others differs between a tar and a store, and directories
    that it does not name itself get what the program gives them."""
    entries = [entry for entry in _entries(layer) if stat.S_ISREG(entry[1]) or stat.S_ISLNK(entry[1])]
    return sorted(entry for entry in entries if not os.path.basename(entry[0]).startswith(_WHITEOUT))


def _difference(one: list[tuple[Any, ...]], other: list[tuple[Any, ...]]) -> str:
    return str(sorted(set(one) ^ set(other))[:4])


def _verify_export(image: Image, program: str, directory: str) -> None:
    target = os.path.join(directory, "export")
    run(
        ["skopeo", "--insecure-policy", "copy", f"containers-storage:{bracket(directory)}{image.name}", f"dir:{target}"]
    )
    with open(os.path.join(target, "manifest.json"), "rb") as stream:
        exported = [layer["digest"] for layer in json.load(stream)["layers"]]
    wanted = [diff_id for _digest, diff_id in image.layers]
    found = []
    for digest in exported:
        with open(os.path.join(target, digest.partition(":")[2]), "rb") as stream:
            found.append(f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}")
    if found != wanted:
        raise WrongResult(f"{image.repository}: {program} exports {found}, and the config says {wanted}")


def _reject(directory: str) -> None:
    with open(os.path.join(directory, "policy.json"), "w", encoding="utf-8") as stream:
        json.dump({"default": [{"type": "reject"}]}, stream)


@contextmanager
def _flipped(image: Image, registry_storage: str) -> Iterator[None]:
    """One bit of the last layer is another one in the registry; other images may have that layer too."""
    digest = image.layers[-1][0].partition(":")[2]
    path = os.path.join(registry_storage, "docker/registry/v2/blobs/sha256", digest[:2], digest, "data")
    _flip(path)
    try:
        yield
    finally:
        _flip(path)


def _flip(path: str) -> None:
    with open(path, "r+b") as stream:
        stream.seek(-20, os.SEEK_END)
        byte = stream.read(1)
        stream.seek(-20, os.SEEK_END)
        stream.write(bytes([byte[0] ^ 1]))
