# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What the confined children can be asked for.

All but the last are ways to unpack a layer: into an empty directory, with marks of the kernel's overlay for what the layer
takes away, or with whiteouts as the files that the archive has, or those and all files with one mode, which is a setting; or
onto a copy of the tree below.
"""

from __future__ import annotations

UNPACK = "unpack"
KEEP = "keep"
MASK = "mask"
APPLY = "apply"
FINISH = "finish"
# Behind the name of one that unpacks: owners that files cannot have are done without.
ANY_OWNER = "-any-owner"
