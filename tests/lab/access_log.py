# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What docker-registry was asked, by its own log."""

from __future__ import annotations

import re
import time
from pathlib import Path

from .registry import Registry

# A line of the access log, in Apache's form.
_ACCESS = re.compile(r'^[^{].*"([A-Z]+) (/\S*) HTTP/1\.1" \d+ ', re.MULTILINE)


class Watch:
    """What a registry was asked since the watch began, refused requests included.

    ``seen`` waits until nothing more comes into its log.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._before = len(self._settled())

    def seen(self) -> list[str]:
        return self._settled()[self._before :]

    def _settled(self) -> list[str]:
        lines, since = self._requests(), time.monotonic()
        while time.monotonic() < since + 0.3:
            time.sleep(0.02)
            found = self._requests()
            if found != lines:
                lines, since = found, time.monotonic()
        return lines

    def _requests(self) -> list[str]:
        text = Path(self._registry.log).read_text(encoding="utf-8", errors="replace")
        return [f"{method} {path}" for method, path in _ACCESS.findall(text)]
