# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What the confined children can be asked for.

All but the last are ways to unpack a layer: into an empty directory, with marks of the kernel's overlay for what the layer
takes away, or with whiteouts as the files that the archive has, or those and all files with one mode, which is an option; or
onto a copy of the tree below.
"""

from __future__ import annotations

UNPACK = "unpack"
KEEP = "keep"
MASK = "mask"
APPLY = "apply"
FINISH = "finish"

# Options of those that unpack. The one mode that files get, of MASK alone.
MODE = "mode"
# Owners that files cannot have are done without.
ANY_OWNER = "any_owner"
# Whether a second thread inflates and hashes ahead of the one that writes files. It costs some time of the processor, and
# saves time where one would be idle.
AHEAD = "ahead"
