# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of a stack that are read without a mount are those that fuse-overlayfs shows in one."""

from __future__ import annotations

import errno
import os
import random
import stat
from collections.abc import Callable
from itertools import product
from pathlib import Path

from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._host.rooted_tree import RootedTree
from ansible_collections.strata.containers.plugins.module_utils._storage.program_tree import ProgramTree
from lab.commands import run
from lab.long_run import LONG
from lab.program_stores import PROGRAM

NAMES = ("a", "b", "etc")
TARGETS = ("a", "/b", "../a", "/etc/a", "b/a", "../../../b", "etc")
SEEDS = range(60 if LONG else 6)


def fill(directory: Path, lot: random.Random, depth: int = 0) -> None:
    """Makes files, directories, links and whiteouts in both forms, by lot."""
    for name in NAMES:
        path, number = directory / name, lot.random()
        if number < 0.2:
            path.write_text(str(path), encoding="ascii")
        elif number < 0.55 and depth < 3:
            path.mkdir()
            fill(path, lot, depth + 1)
            if lot.random() < 0.1:
                (path / ".wh..wh..opq").touch()
            elif lot.random() < 0.1:
                os.setxattr(path, lot.choice(["trusted.overlay.opaque", "user.fuseoverlayfs.opaque"]), b"y")
        elif number < 0.65:
            path.symlink_to(lot.choice(TARGETS))
        elif number < 0.7:
            os.mknod(path, stat.S_IFCHR, 0)
        elif number < 0.8:
            (directory / f".wh.{name}").touch()


def content(open_file: Callable[[bytes], int | None], name: str) -> str:
    try:
        descriptor = open_file(name.encode())
    except HostError as error:
        assert isinstance(error.__cause__, OSError)
        return os.strerror(error.__cause__.errno or 0)
    if descriptor is None:
        return ""
    with os.fdopen(descriptor, encoding="ascii") as file:
        return file.read()


def contents(seed: int, directory: Path) -> tuple[dict[str, str], dict[str, str]]:
    """What the program shows of a stack that was made by lot, by name, and what we read of it."""
    layers = [directory / str(number) for number in range(3)]
    lot = random.Random(seed)
    for layer in layers:
        layer.mkdir(parents=True)
        fill(layer, lot)
    merged = directory / "merged"
    merged.mkdir()
    run([PROGRAM, "-o", f"lowerdir={':'.join(map(str, layers))}", str(merged)])
    try:
        with RootedTree(str(merged)) as shown:
            names = ["/".join(parts) for count in (1, 2, 3) for parts in product(NAMES, repeat=count)]
            theirs = {name: content(shown.open_file, name) for name in names}
    finally:
        run(["umount", str(merged)])
    # For some whiteouts of the kernel's form fuse-overlayfs 1.10 says so.
    told = {name: text for name, text in theirs.items() if text != os.strerror(errno.ENOMEM)}
    ours = ProgramTree([str(layer) for layer in layers]).open_file
    return told, {name: content(ours, name) for name in told}


def test_it_shows_what_the_program_shows(judges: None, tmp_path: Path) -> None:
    seen = set()
    for seed in SEEDS:
        theirs, ours = contents(seed, tmp_path / str(seed))
        assert ours == theirs, seed
        seen |= set(theirs.values())
    assert len(seen) > len(SEEDS)
