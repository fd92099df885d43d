# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""podman's API service on a store: a process that holds its records in memory for as long as it runs."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lab.stores import Store


@contextmanager
def podman_service(store: Store) -> Iterator[Callable[[str, str], Any]]:
    """A running service; gives what sends it a method and a path below ``/v4.0.0/libpod`` and returns what a GET answers."""
    address = os.path.join(store.base, "service.sock")
    command = store.podman_command("system", "service", "--time", "0", f"unix://{address}")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as service:
        try:
            _wait_for(address)
            yield lambda method, path: _ask(address, method, path)
        finally:
            service.terminate()


def _wait_for(address: str) -> None:
    """Until the service takes a connection, which is later than its socket is there."""
    deadline = time.monotonic() + 60
    while True:
        with socket.socket(socket.AF_UNIX) as connection:
            if connection.connect_ex(address) == 0:
                return
        assert time.monotonic() < deadline, "podman's service does not start"
        time.sleep(0.05)


def _ask(address: str, method: str, path: str) -> Any:
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    try:
        connection.sock.connect(address)
        connection.request(method, f"/v4.0.0/libpod/{path}")
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status < 300, content
        return json.loads(content) if method == "GET" else None
    finally:
        connection.close()
