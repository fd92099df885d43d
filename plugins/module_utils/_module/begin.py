# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""How every module of the collection begins: the first of our files that it loads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from .._host.zip_imports import compile_once

if TYPE_CHECKING:
    from .._engine.outcome import Outcome
    from .run import Task
    from .specs import Spec

# At once: what is imported from here on is what it is for.
compile_once()


def run_module(options: Spec, verb: Callable[[Task], Outcome], **constraints: Any) -> NoReturn:
    """Runs ``verb`` with the module's parameters and leaves the process with its result (see ``run``)."""
    from .run import run_verb

    run_verb(options, verb, **constraints)
