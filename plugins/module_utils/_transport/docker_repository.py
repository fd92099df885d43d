# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""A repository of a registry as a whole, rather than one image of it."""

from __future__ import annotations

from .._registry.pool import RegistryPool
from .docker import DockerEndpoint


class DockerRepository:
    """The repository that ``endpoint`` names; its tag or digest, if any, plays no part.

    Connections and tokens are those of ``pool``. Raises MissingLibraryError and BadCertificateFile when it is made, and
    asks nobody before the first question.
    """

    def __init__(self, endpoint: DockerEndpoint, pool: RegistryPool) -> None:
        reference = endpoint.reference
        self.endpoint = reference.name
        self.credentials_origin = endpoint.credentials.origin if endpoint.credentials else ""
        self._client = pool.client(reference.domain, reference.path, endpoint.credentials, endpoint.options)

    def tags(self) -> tuple[str, ...]:
        """The tags, in the registry's order. Raises what RegistryClient.tags raises."""
        return self._client.tags()
