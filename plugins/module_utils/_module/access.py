# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""From the shared registry options to how registries are reached: for modules on a target, and for plugins on the controller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._config.paths import ConfigPaths
from .._config.registries_d import SignaturePlace
from .._engine.retry import Retry
from .._engine.sources import RegistryAccess
from .._model.reference import Reference
from .._report import Reporter


def registry_access(
    options: Mapping[str, Any],
    paths: ConfigPaths,
    reporter: Reporter,
    signature_place: Callable[[Reference], SignaturePlace] | None = None,
) -> RegistryAccess:
    """How registries are reached with the values of specs.REGISTRY, each of which ``options`` must hold.

    ``signature_place`` is for those who look at signatures.
    """
    return RegistryAccess(
        paths=paths,
        reporter=reporter,
        authfile=options["authfile"],
        username=options["username"],
        password=options["password"],
        validate_certs=options["validate_certs"],
        cert_dir=options["cert_dir"],
        registries_conf=options["registries_conf"],
        timeout=float(options["timeout"]),
        signature_place=signature_place,
    )


def registry_retry(options: Mapping[str, Any], reporter: Reporter) -> Retry:
    """How often what failed in passing is done again, with the values of specs.REGISTRY."""
    return Retry(options["retries"], options["retry_delay"], reporter)
