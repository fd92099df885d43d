# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images for what a mount program does otherwise than the kernel: whiteouts above all, and files of one mode."""

from __future__ import annotations

import tarfile

from .odd_images import PLAIN, Entry, ImageLayout, make_tar, odd_layers, xattr


def layers() -> list[tuple[bytes, str]]:
    """Whiteouts of files and directories, and opaque directories, also with owners and modes of their own."""
    base = [
        Entry("marks/", tarfile.DIRTYPE, mode=0o755),
        Entry("marks/gone", content=b"gone"),
        Entry("marks/deep/er/gone", content=b"gone"),
        Entry("marks/again/old", content=b"old"),
        Entry("kept/file", content=b"kept"),
    ]
    top = [
        Entry("marks/.wh.gone", mode=0o640, uid=5, gid=6),
        Entry("marks/deep/.wh.er"),
        Entry("marks/again/", tarfile.DIRTYPE, mode=0o711, uid=3),
        Entry("marks/again/.wh..wh..opq", mode=0o600),
        Entry("marks/again/new", content=b"new"),
    ]
    return [*odd_layers(), (make_tar(base), PLAIN), (make_tar(top), PLAIN)]


def program_images(directory: str) -> ImageLayout:
    """The images ``odd``, with all of ``layers``; ``more``, with one more layer; and ``plain``, without devices."""
    layout = ImageLayout(directory)
    layout.add_image("odd", layers())
    # The same changes once more: there they hide what is gone already.
    layout.add_image("more", [*layers(), layers()[-1]])
    plain = [
        Entry("./", tarfile.DIRTYPE, mode=0o711, uid=3),
        Entry("d/", tarfile.DIRTYPE, mode=0o1777, uid=1, gid=2),
        Entry(
            "d/file", content=b"file", mode=0o640, uid=5, gid=6, pax=xattr("user.containers.override_stat", b"0:0:0777")
        ),
        Entry("set", content=b"set", mode=0o4711, uid=5),
        Entry("hard", tarfile.LNKTYPE, target="d/file", mode=0o640, uid=5, gid=6),
        Entry("soft", tarfile.SYMTYPE, target="d/file", mode=0o777, uid=5),
        Entry("way/to/file", content=b"file", uid=9),
    ]
    layout.add_image("plain", [(make_tar(plain), PLAIN), (make_tar([Entry("d/.wh.file")]), PLAIN)])
    return layout
