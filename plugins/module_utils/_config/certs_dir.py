# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Certificates for a registry: ``certs.d`` directories (containers-certs.d(5))."""

from __future__ import annotations

import os

from .._host.os_errors import reporting
from .paths import ConfigPaths
from .toml_file import InvalidConfig


def connection_files(
    paths: ConfigPaths, host: str, cert_dir: str | None
) -> tuple[tuple[str, ...], tuple[str, str] | None]:
    """The files of authorities to trust beside the system's, and the client's certificate and key or None.

    ``host`` is the registry as references spell it, with its port if any. With ``cert_dir`` that directory is used
    itself; otherwise the first that exists of ``~/.config/containers/certs.d``, ``/etc/containers/certs.d`` and
    ``/etc/docker/certs.d``, each followed by ``host``. Of several client certificates the first by name counts.
    Raises InvalidConfig for half a pair and for a ``cert_dir`` that is not there.
    """
    directory = cert_dir or _default_directory(paths, host)
    if directory is None:
        return (), None
    names = _names(directory, required=cert_dir is not None)
    authorities = tuple(os.path.join(directory, name) for name in names if name.endswith(".crt"))
    pairs = _pairs(directory, names)
    return authorities, pairs[0] if pairs else None


def _default_directory(paths: ConfigPaths, host: str) -> str | None:
    parents = (
        paths.in_home(".config/containers/certs.d"),
        paths.in_system("/etc/containers/certs.d"),
        paths.in_system("/etc/docker/certs.d"),
    )
    candidates = (os.path.join(parent, host) for parent in parents)
    return next((candidate for candidate in candidates if os.path.isdir(candidate)), None)


def _names(directory: str, required: bool) -> list[str]:
    if required:
        with reporting("read", directory):
            return sorted(os.listdir(directory))
    try:
        return sorted(os.listdir(directory))
    except OSError:
        # containers/image goes on without the certificates of a directory that it may not read.
        return []


def _pairs(directory: str, names: list[str]) -> list[tuple[str, str]]:
    pairs = []
    for name in names:
        base, extension = os.path.splitext(name)
        if extension == ".cert":
            _require(
                directory,
                names,
                f"{base}.key",
                f"missing key {base}.key for client certificate {name} (certificates of authorities end in .crt)",
            )
            pairs.append((os.path.join(directory, name), os.path.join(directory, f"{base}.key")))
        elif extension == ".key":
            _require(directory, names, f"{base}.cert", f"missing client certificate {base}.cert for key {name}")
    return pairs


def _require(directory: str, names: list[str], name: str, message: str) -> None:
    if name not in names:
        raise InvalidConfig(message, subject=directory)
