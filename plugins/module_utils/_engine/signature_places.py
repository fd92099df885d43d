# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""From a name to the place where its signatures are: what registries.d of the target says of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from .._config.paths import ConfigPaths
from .._config.registries_d import RegistriesD, SignaturePlace, load_registries_d
from .._model.reference import Reference
from .._trust.scope import docker_scopes


def signature_places(paths: ConfigPaths, registries_d: str | None) -> Callable[[Reference], SignaturePlace]:
    """Tells the place of each name; the files are read when the first is asked for, and once.

    What it gives raises what load_registries_d raises.
    """

    @cache
    def configuration() -> RegistriesD:
        return load_registries_d(paths, registries_d)

    return lambda reference: configuration().place(docker_scopes(reference))
