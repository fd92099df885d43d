# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that sends what it was given, byte for byte, and ends as it is told."""

from __future__ import annotations

import fcntl
import socket
import struct
import termios
import threading


class RawServer:
    """Sends ``answer`` for whatever comes, on one connection; then closes or resets it, or stays silent until the end."""

    def __init__(self, answer: bytes, *, stay: bool = False, reset: bool = False, answers: int = 1) -> None:
        self._reset = reset
        self._answer = answer
        self._stay = stay
        self._answers = answers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()

    def __enter__(self) -> str:
        threading.Thread(target=self._serve, daemon=True).start()
        host, port = self._listener.getsockname()
        return f"http://{host}:{port}/"

    def __exit__(self, *_details: object) -> None:
        self._over.set()
        self._listener.close()

    def _serve(self) -> None:
        connection, _address = self._listener.accept()
        with connection:
            for _count in range(self._answers):
                connection.recv(65536)
                connection.sendall(self._answer)
            if self._reset:
                while fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4)) != bytes(4):
                    self._over.wait(0.001)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if self._stay:
                self._over.wait(10)
