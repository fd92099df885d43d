# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Layers of an image for what applying a layer to a whole tree is about, and stacking differences is not."""

from __future__ import annotations

import tarfile

from .odd_images import Entry, xattr

_DIR, _LINK, _SYMLINK = tarfile.DIRTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE

APPLIED_LAYERS = [
    [
        Entry("./", _DIR, mode=0o711, uid=3, gid=4),
        Entry("usr/lib/", _DIR, mode=0o755),
        Entry("usr/lib/old", content=b"old"),
        Entry("lib", _SYMLINK, target="usr/lib", mode=0o777),
        Entry("etc", _SYMLINK, target="/usr/lib", mode=0o777),
        Entry("kept", _SYMLINK, target="usr", mode=0o777),
        Entry("opaque/gone/deep", content=b"gone"),
        Entry("opaque/gone.txt", content=b"gone"),
        Entry("pair/one", content=b"linked", mode=0o600),
        Entry("pair/two", _LINK, target="pair/one", mode=0o600),
        Entry("owned/", _DIR, mode=0o700, uid=7, gid=8, pax=xattr("user.own", b"1")),
        Entry("group/", _DIR, mode=0o2775, uid=7, gid=8),
        Entry("group/made/deep/file", content=b"in directories without an entry"),
        Entry("tree/a/b/c", content=b"c"),
        Entry("file", content=b"file"),
    ],
    [
        Entry("lib/new", content=b"through a link"),
        # Without content, which skopeo would look for behind the link, and on this machine.
        Entry("etc/also"),
        Entry("kept/", _DIR, mode=0o750),
        Entry("kept/inside", content=b"the link became a directory"),
        Entry("opaque/first", content=b"first"),
        Entry("opaque/sub/", _DIR, mode=0o755),
        Entry("opaque/sub/first", content=b"first"),
        Entry("opaque/unnamed/first"),
        Entry("opaque/.wh..wh..opq"),
        Entry("opaque/second", content=b"second"),
        Entry("lib/.wh..wh..opq"),
        Entry("linked", _LINK, target="pair/one", mode=0o640),
        Entry("owned/file", content=b"in a directory without an entry"),
        Entry("group/also/file", content=b"the same on a layer"),
        Entry("tree/.wh.a"),
        Entry("tree/.wh.never-there"),
        Entry("own"),
        Entry(".wh.own"),
        Entry(".wh..wh.aufs"),
        Entry(".wh..wh.plnk/17.4"),
        Entry("file/", _DIR, mode=0o755),
    ],
    [
        Entry(".wh.usr"),
        Entry("pair/one", content=b"parted", mode=0o644),
        Entry("/", _DIR, mode=0o2751, gid=9, pax=xattr("user.root", b"1")),
    ],
]
