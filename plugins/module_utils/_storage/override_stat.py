# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The attribute in which files of one mode and one owner keep what they should have.

``<uid>:<gid>:<octal mode>:<type>``, the type one of ``file``, ``dir``, ``pipe``, ``char-<major>-<minor>`` and
``block-<major>-<minor>``. containers/storage before 1.55 wrote no type and lost the bits above the permissions.
"""

from __future__ import annotations

import re
from typing import NamedTuple

OVERRIDE_XATTR = b"user.containers.override_stat"

FILE, DIRECTORY, PIPE, CHARACTER_DEVICE, BLOCK_DEVICE = "file", "dir", "pipe", "char", "block"
_FORM = re.compile(rb"([0-9]{1,10}):([0-9]{1,10}):([0-7]{1,7})(?::([a-z]+)[-0-9]*)?")


class Override(NamedTuple):
    """What a file should be; ``kind`` is one of the words above, empty where the attribute does not tell."""

    uid: int
    gid: int
    mode: int
    kind: str
    device: tuple[int, int] = (0, 0)

    @classmethod
    def parse(cls, value: bytes) -> Override | None:
        """What an attribute says; None where it cannot be understood."""
        found = _FORM.fullmatch(value)
        if found is None:
            return None
        uid, gid, mode, word = found.groups()
        return cls(int(uid), int(gid), int(mode, 8), (word or b"").decode("ascii"))

    def text(self) -> bytes:
        """The value of the attribute."""
        device = f"-{self.device[0]}-{self.device[1]}" if self.kind in (CHARACTER_DEVICE, BLOCK_DEVICE) else ""
        kind = f":{self.kind}{device}" if self.kind else ""
        return f"{self.uid}:{self.gid}:{self.mode:04o}{kind}".encode("ascii")
