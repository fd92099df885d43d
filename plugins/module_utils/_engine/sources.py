# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""From a name to the place its image is fetched from: endpoints, credentials and certificates as the target has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Optional

from .._config.credentials import find_credentials
from .._config.paths import ConfigPaths
from .._config.registries_conf import PullSource, RegistriesConf, load_registries_conf
from .._config.registries_d import SignaturePlace
from .._model.credentials import Credentials
from .._model.reference import Reference
from .._registry.pool import RegistryPool
from .._report import Reporter
from .._transport.docker import DockerEndpoint, DockerSource
from .connect import connection_options

if TYPE_CHECKING:
    from .._transport.docker_repository import DockerRepository


@dataclass(frozen=True)
class RegistryAccess:
    """How registries are reached: what the task says, and what the files of the target say where it is silent.

    ``validate_certs`` is None where registries.conf decides. ``timeout`` is in seconds without a byte. ``signature_place`` tells
    where the signatures of a name are, for those who want to see them. To be closed at the end of the task.
    """

    paths: ConfigPaths
    reporter: Reporter
    authfile: Optional[str] = None
    username: Optional[str] = None
    password: Optional[str] = None
    validate_certs: Optional[bool] = None
    cert_dir: Optional[str] = None
    registries_conf: Optional[str] = None
    timeout: float = 60.0
    signature_place: Optional[Callable[[Reference], SignaturePlace]] = None

    @cached_property
    def pool(self) -> RegistryPool:
        """The connections and tokens that the images of the task share."""
        return RegistryPool(warn=self.reporter.warn)

    def close(self) -> None:
        """Closes the connections to all registries."""
        self.pool.close()

    @cached_property
    def registries(self) -> RegistriesConf:
        """The registries.conf in force, read once. Raises InvalidConfig."""
        return load_registries_conf(self.paths, self.registries_conf)

    def open(self, reference: Reference) -> DockerSource:
        """The source of the image that ``reference`` names. Raises RegistryBlocked, InvalidConfig; asks nobody yet."""
        sources = self.registries.pull_sources(reference)
        return DockerSource([self._endpoint(source, reference) for source in sources], pool=self.pool)

    def open_repository(self, reference: Reference) -> DockerRepository:
        """The repository that ``reference`` names, at that registry itself: neither rewriting nor mirrors apply.

        Raises RegistryBlocked, InvalidConfig; asks nobody yet.
        """
        from .._transport.docker_repository import DockerRepository

        source = self.registries.named_source(reference)
        return DockerRepository(self._endpoint(source, reference), self.pool)

    def _endpoint(self, source: PullSource, logical: Reference) -> DockerEndpoint:
        options = connection_options(
            self.paths,
            source.reference.domain,
            insecure=source.insecure,
            validate_certs=self.validate_certs,
            cert_dir=self.cert_dir,
            timeout=self.timeout,
        )
        # The name at the mirror counts: whoever runs it keeps its signatures (containers/image does the same).
        place = partial(self.signature_place, source.reference) if self.signature_place else None
        return DockerEndpoint(source.reference, options, self._credentials(source.reference, logical), place)

    def _credentials(self, physical: Reference, logical: Reference) -> Credentials | None:
        if self.username is not None:
            # What was typed for one registry is not shown to a mirror on another host (containers/image does the same).
            if physical.domain != logical.domain:
                return None
            return Credentials(self.username, self.password or "", origin="the options of the task")
        return find_credentials(
            self.paths,
            physical,
            authfile=self.authfile,
            helpers=self.registries.credential_helpers,
            timeout=self.timeout,
            warn=self.reporter.warn,
        )
