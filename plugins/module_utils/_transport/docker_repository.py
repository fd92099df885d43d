# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""A repository of a registry as a whole, rather than one image of it."""

from __future__ import annotations

from collections.abc import Callable

from .._registry.client import RegistryClient
from .._registry.retry import SYSTEM_CLOCK, Clock
from .docker import DockerEndpoint


class DockerRepository:
    """The repository that ``endpoint`` names; its tag or digest, if any, plays no part.

    Raises MissingLibraryError and BadCertificateFile when it is made, and asks nobody before the first question.
    ``warn`` is told what the registry wants its users to read.
    """

    def __init__(
        self,
        endpoint: DockerEndpoint,
        *,
        warn: Callable[[str], None] = lambda _text: None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        reference = endpoint.reference
        self.endpoint = reference.name
        self.credentials_origin = endpoint.credentials.origin if endpoint.credentials else ""
        self._client = RegistryClient(
            reference.domain, reference.path, endpoint.credentials, endpoint.options, clock=clock, warn=warn
        )

    def tags(self) -> tuple[str, ...]:
        """The tags, in the registry's order. Raises what RegistryClient.tags raises."""
        return self._client.tags()

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()
