# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What the confined children can be asked for, and where the code lies that does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Ansible sends along what is imported anywhere. Only the helper process runs it; the caller need not even compile it.
    from . import unpack_child  # noqa: F401  # pylint: disable=unused-import

WORKER = f"{__package__}.unpack_child"

UNPACK = "unpack"
FINISH = "finish"
