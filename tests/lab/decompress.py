# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decompression by the distribution's programs, so that expectations do not come from our own code."""

from __future__ import annotations

import subprocess

_PROGRAMS = ((b"\x1f\x8b", ["gzip", "-dc"]), (b"\x28\xb5\x2f\xfd", ["zstd", "-dcq"]))


def decompress(data: bytes) -> bytes:
    """``data`` without its compression, which its first bytes tell."""
    for magic, command in _PROGRAMS:
        if data.startswith(magic):
            return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout
    return data
