# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small image with the machine's own shell in it, for tests in which a program of an image has to run."""

from __future__ import annotations

import gzip
import os
import re
from pathlib import Path

from .commands import run
from .odd_images import GZIP, Entry, make_tar

_LIBRARY = re.compile(r"(/\S+) \(0x")


def shell_layer() -> tuple[bytes, str]:
    """A layer with ``/bin/sh`` and its libraries, and the media type of it."""
    shell = os.path.realpath("/bin/sh")
    files = {"bin/sh": shell, **{path.lstrip("/"): path for path in _LIBRARY.findall(run(["ldd", shell]))}}
    entries = [Entry(name, content=Path(path).read_bytes(), mode=0o755) for name, path in files.items()]
    return gzip.compress(make_tar(entries), 1, mtime=0), GZIP
