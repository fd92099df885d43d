# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""How a registry is connected to: what the task says, and what the files of the target say where it is silent."""

from __future__ import annotations

from .._config.certs_dir import connection_files
from .._config.paths import ConfigPaths
from .._registry.http import ConnectionOptions


def connection_options(
    paths: ConfigPaths, host: str, *, insecure: bool, validate_certs: bool | None, cert_dir: str | None, timeout: float
) -> ConnectionOptions:
    """The options for ``host``, with its port if any.

    ``insecure`` is what registries.conf says, and counts where ``validate_certs`` is None. ``timeout`` is in seconds without a
    byte. Raises InvalidConfig for certificates that are no pairs.
    """
    insecure = insecure if validate_certs is None else not validate_certs
    ca_files, client_certificate = connection_files(paths, host, cert_dir)
    return ConnectionOptions(
        timeout=timeout,
        verify=not insecure,
        allow_http=insecure,
        ca_files=ca_files,
        client_certificate=client_certificate,
    )
