# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Which proxy leads to a host, by the variables that Go's tools read (golang.org/x/net/http/httpproxy).

Libraries of Python read NO_PROXY in other ways: ``*.example.com`` and ``10.0.0.1:5000`` mean nothing to them, and
``.example.com`` takes in the domain itself. What podman reaches on a host we have to reach in the same way.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from .urls import origin


def proxy_for(url: str, variables: Mapping[str, str]) -> str:
    """The address of the proxy for ``url``, with its user and password if any; empty where none is to be asked.

    ``variables`` holds the values of HTTP_PROXY, HTTPS_PROXY and NO_PROXY under ``http``, ``https`` and ``no``. The
    loopback interface is never asked through one.
    """
    scheme, host, port = origin(url)
    proxy = variables.get(scheme, "").strip()
    if not proxy or _is_loopback(host) or _needs_none(host, port, variables.get("no", "")):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return address.is_loopback if address else host == "localhost" or host.endswith(".localhost")


def _needs_none(host: str, port: int, exceptions: str) -> bool:
    return any(_covers(entry.strip().lower(), host, port) for entry in exceptions.split(",") if entry.strip())


def _covers(entry: str, host: str, port: int) -> bool:
    """Whether an entry of NO_PROXY is about ``host``: a name or address, with a port or without, a network, or ``*``."""
    if entry == "*":
        return True
    address = _address(host)
    if "/" in entry:
        return address is not None and address in _network(entry)
    name, wanted_port = _split(entry)
    if wanted_port and wanted_port != str(port):
        return False
    if address is not None:
        return address == _address(name)
    if name.startswith("*."):
        name = name[1:]
    # With a dot before it, a name stands for what is below it; without one, for itself as well.
    return host.endswith(name) if name.startswith(".") else host == name or host.endswith(f".{name}")


def _split(entry: str) -> tuple[str, str]:
    """Host and port; the port is empty where there is none, and an address of version 6 is without its brackets."""
    host, colon, port = entry.rpartition(":")
    if not colon or not port.isdigit() or (":" in host and not host.endswith("]")):
        host, port = entry, ""
    return host.strip("[]"), port


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | tuple[()]:
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return ()
