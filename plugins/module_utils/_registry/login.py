# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Whether a registry takes the credentials of a user: what every engine asks before it keeps a login."""

from __future__ import annotations

from collections.abc import Callable

from .._model.credentials import Credentials
from .body import read_error_body
from .connection import RegistryConnection
from .errors import RegistryError
from .host import RegistryHost
from .http import ConnectionOptions, HttpClient
from .retry import SYSTEM_CLOCK, Clock


def check_login(
    host: str,
    credentials: Credentials,
    options: ConnectionOptions,
    *,
    clock: Clock = SYSTEM_CLOCK,
    warn: Callable[[str], None] = lambda _text: None,
) -> None:
    """Returns when the registry ``host`` answers ``GET /v2/`` to ``credentials``, directly or by a token that they gave.

    One that asks nobody for credentials takes all. Raises Unauthorized, Denied, RateLimited, NotARegistry, RegistryError,
    and the leaves of a failed connection; no text of theirs shows the credentials.
    """
    http = HttpClient(options)
    try:
        connection = RegistryConnection(RegistryHost(host, credentials, http, clock, warn), "")
        response = connection.send("GET", "/v2/")
        if response.status != 200:
            raise connection.refusal(response, host, RegistryError)
        with response:
            read_error_body(response)
    finally:
        http.close()
