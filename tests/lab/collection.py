# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the collection is that Ansible is to use."""

from __future__ import annotations

import os

_COLLECTION = "strata/containers"


def collections_root() -> str:
    """The directory that holds ``ansible_collections`` with this collection in it. Raises RuntimeError."""
    import ansible_collections

    for package in ansible_collections.__path__:
        if os.path.isdir(os.path.join(package, _COLLECTION)):
            return os.path.dirname(os.path.abspath(package))
    raise RuntimeError("the collection is not below any ansible_collections directory; `make tree` makes one")
