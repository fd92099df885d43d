# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The small stores in which verbs are killed: what is in them from the beginning, and the image that comes and goes."""

from __future__ import annotations

import gzip
import random
import tarfile
from pathlib import Path

from .commands import run
from .odd_images import CAPABILITY, GZIP, Entry, ImageLayout, make_tar, xattr
from .stores import Store

# In every store from the beginning: an image, and a container of it with a file of its own.
KEPT, KEEPER = "example.com/kept:1", "keeper"
# What the verbs work on: an image of a registry, a container of it, and another name for it.
APP, BOX, ALIAS = "team/app:1", "box", "example.com/alias:1"


def fill_kept(store: Store, layout: ImageLayout, lent: str) -> None:
    """The image that stays, which shares its base layer with the one that comes and goes and has its name ``lent`` meanwhile."""
    base = app_layers()[0]
    layout.add_image("kept", [base, _layer([Entry("kept/file", content=b"kept" * 100)])])
    run(["skopeo", "--insecure-policy", "copy", f"oci:{layout.directory}:kept", store.bracket + KEPT])
    store.podman("tag", KEPT, lent)
    store.buildah("from", "--pull-never", "--name", KEEPER, KEPT)
    point = store.buildah("mount", KEEPER)
    Path(point, "written").write_text("by the container", encoding="ascii")
    store.buildah("umount", KEEPER)


def app_layers() -> list[tuple[bytes, str]]:
    """Four layers with one of each kind of entry.

    The larger a blob the fewer calls it takes to unpack it, and the larger ones are unpacked first: so many calls of a layer have
    numbers that the layers before do not reach.
    """
    noise = random.Random(0).randbytes(3000)
    base = [Entry("base/", tarfile.DIRTYPE, mode=0o755), Entry("base/noise", content=noise)]
    second = [Entry("more/", tarfile.DIRTYPE, mode=0o755), Entry("more/noise", content=noise[:2000])]
    links = [
        Entry("links/", tarfile.DIRTYPE, mode=0o755),
        Entry("links/file", content=noise[:800], mode=0o755, pax=xattr("security.capability", CAPABILITY)),
        Entry("links/hard", tarfile.LNKTYPE, target="links/file"),
        Entry("links/symbolic", tarfile.SYMTYPE, target="file", mode=0o777),
        Entry("links/fifo", tarfile.FIFOTYPE, mode=0o600),
    ]
    top = [
        Entry("base/", tarfile.DIRTYPE, mode=0o755),
        Entry("base/.wh.noise"),
        Entry("more/", tarfile.DIRTYPE, mode=0o755),
        Entry("more/.wh..wh..opq"),
        Entry("more/new", content=b"new"),
        Entry("device", tarfile.CHRTYPE, device=(1, 3), mode=0o666),
        Entry("last", content=b"last"),
    ]
    return [_layer(entries) for entries in (base, second, links, top)]


def _layer(entries: list[Entry]) -> tuple[bytes, str]:
    return gzip.compress(make_tar(entries), mtime=0), GZIP
