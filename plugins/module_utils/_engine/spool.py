# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Blobs that are fetched before they can be unpacked: verified files of the staging area."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from .._host.os_errors import reporting
from .._host.pipes import write_all
from .._layer.verify import BlobVerifier
from .._model.descriptor import Descriptor
from .._model.digest import Digest
from .._transport.source import ImageSource

_CHUNK = 1 << 20
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC


class Cancelled(Exception):
    """Another layer of the same image failed; never leaves the staging."""


@dataclass(frozen=True)
class FetchedBlob:
    """A blob whose digest and size were found right; ``size`` is in bytes."""

    path: str
    size: int

    def chunks(self) -> Iterator[bytes]:
        """Its bytes, a mebibyte at a time. Raises HostError."""
        with reporting("read", self.path), open(self.path, "rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk


class Spool:
    """The blobs in a directory of the staging area. Those that are there are not fetched again before they are dropped."""

    def __init__(self, directory: str, count: Callable[[int], None]) -> None:
        """``count`` is told how many bytes each download took, also one that failed."""
        self._directory = directory
        self._count = count
        self._blobs: dict[Digest, FetchedBlob] = {}

    def fetch(self, blob: Descriptor, source: ImageSource, stop: threading.Event) -> FetchedBlob:
        """The blob, fetched where it is not here; a failure sets ``stop``, for all who look at it.

        May be called from several threads, for a blob each. Raises Cancelled when ``stop`` is set meanwhile, HostError, and
        what the source and the verification raise.
        """
        try:
            if blob.digest not in self._blobs:
                self._blobs[blob.digest] = self._fetch(blob, source, stop)
            return self._blobs[blob.digest]
        except BaseException:
            stop.set()
            raise

    def drop(self, blob: Descriptor) -> None:
        """Removes a blob that is needed no more. Raises HostError."""
        dropped = self._blobs.pop(blob.digest, None)
        if dropped is not None:
            with reporting("remove", dropped.path), suppress(FileNotFoundError):
                os.unlink(dropped.path)

    def _fetch(self, blob: Descriptor, source: ImageSource, stop: threading.Event) -> FetchedBlob:
        path = f"{self._directory}/blob-{blob.digest.hex}"
        verifier = BlobVerifier(blob.digest, blob.known_size)
        with reporting("make the file", path):
            descriptor = os.open(path, _NEW_FILE, 0o600)
        try:
            if stop.is_set():
                raise Cancelled
            for chunk in source.blob(blob):
                verifier.update(chunk)
                with reporting("write", path):
                    write_all(descriptor, chunk)
                if stop.is_set():
                    raise Cancelled
            verifier.finish()
        finally:
            os.close(descriptor)
            self._count(verifier.count)
        return FetchedBlob(path, verifier.count)
