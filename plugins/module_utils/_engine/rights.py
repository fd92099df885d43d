# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""With which rights a verb works on a store: as root as it is, for another user in that user's namespaces.

Outside of these a user cannot give files to the owners that images want, and sees nothing of what is mounted there. What the
user may not write outside is not to be written inside either, so that is looked at first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from .._config.paths import ConfigPaths
from .._host.machine import is_root
from .._report import Reporter
from .._storage.layout import Layout
from .._storage.prepare import check_writable

T = TypeVar("T")


@dataclass(frozen=True)
class Rights:
    """Those of the user of ``paths``. ``options`` are the options of the storage driver.

    In ``check_mode`` nothing is left behind, no process either. Each method is called before the process has another thread,
    and raises, for a user who is not root, what ``rootless`` raises.
    """

    paths: ConfigPaths
    reporter: Reporter
    options: tuple[str, ...] = ()
    check_mode: bool = False

    def require(self, layout: Layout) -> None:
        """Returns when this process may change the store. Raises NotRoot and PermissionDenied."""
        check_writable(layout, self._owns)
        if not is_root():
            from .rootless import enter

            enter(self.paths, self.reporter, self.options, keep=not self.check_mode)

    def change(self, layout: Layout, action: Callable[[], T]) -> T:
        """What ``action`` returns, which changes the store and has to do with mounts. Raises NotRoot and PermissionDenied."""
        check_writable(layout, self._owns)
        if is_root():
            return action()
        from .rootless import change

        return change(self.paths, self.reporter, self.options, action, keep=not self.check_mode)

    def _owns(self, uid: int, gid: int) -> bool:
        from .._config.subordinate_ids import has_ids

        return has_ids(self.paths, uid, gid)

    def see(self, action: Callable[[], T], *, files: bool = False) -> T:
        """What ``action`` returns, which only reads and has to do with mounts; with ``files`` also with those of layers."""
        if is_root():
            return action()
        from .rootless import see

        return see(self.paths, self.reporter, self.options, action, files=files)

    def mount_facts(self, *, mounted: bool) -> dict[str, Any]:
        """For the result of a mount: ``enter`` is how the command begins that sees it, empty where every process does."""
        if not self.paths.rootless:
            return {"enter": []}
        from .rootless import mount_facts

        return mount_facts(self.paths, self.reporter, mounted=mounted)
