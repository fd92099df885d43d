# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What the images of one task share: connections that stay open, one ping for each registry, one token for each scope."""

from __future__ import annotations

import threading
from collections.abc import Callable

from .._model.credentials import Credentials
from .client import RegistryClient
from .host import RegistryHost
from .http import ConnectionOptions, HttpClient
from .retry import SYSTEM_CLOCK, Clock


class RegistryPool:
    """Gives clients of repositories; those of one registry, asked as one user in one way, share what they find out.

    Safe to share between threads. ``warn`` is told the warnings that registries send along, each once.
    """

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK, warn: Callable[[str], None] = lambda _text: None) -> None:
        self._clock = clock
        self._warn = warn
        self._lock = threading.Lock()
        self._http: dict[ConnectionOptions, HttpClient] = {}
        self._hosts: dict[tuple[str, Credentials | None, ConnectionOptions], RegistryHost] = {}

    def client(
        self, host: str, repository: str, credentials: Credentials | None, options: ConnectionOptions
    ) -> RegistryClient:
        """A client of one repository, which lives as long as the pool. Raises as RegistryClient does when it is made."""
        with self._lock:
            key = (host, credentials, options)
            shared = self._hosts.get(key)
            if shared is None:
                if options not in self._http:
                    self._http[options] = HttpClient(options)
                shared = RegistryHost(host, credentials, self._http[options], self._clock, self._warn)
                self._hosts[key] = shared
        return RegistryClient(host, repository, credentials, options, clock=self._clock, registry=shared)

    def close(self) -> None:
        """Closes all connections and forgets what was found out, tokens included."""
        with self._lock:
            clients, self._http, self._hosts = list(self._http.values()), {}, {}
        for client in clients:
            client.close()
