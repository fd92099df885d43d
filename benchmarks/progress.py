# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines that say how far a long run is."""

from __future__ import annotations

import time

_BEGIN = time.monotonic()


def say(text: str) -> None:
    """Prints ``text`` after the minutes since the start."""
    print(f"{minutes():5.1f} min  {text}", flush=True)


def minutes() -> float:
    """Minutes since the start."""
    return (time.monotonic() - _BEGIN) / 60
