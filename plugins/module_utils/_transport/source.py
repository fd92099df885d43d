# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The contract of every place an image can come from.

A source gives bytes; it does not parse, choose a platform or judge. A manifest that was asked for by digest is
verified; a blob is verified by whoever reads the stream, because only the end of a stream shows its digest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from .._model.descriptor import Descriptor
from .._model.digest import Digest
from .._model.signature import Signature


class ImageSource(Protocol):
    """One image at one place. Safe to share between threads, except for ``close``.

    Every method raises errors of the engine alone, and one that is ``retryable`` may be asked the same again.
    """

    @property
    def endpoint(self) -> str:
        """Where the image comes from, for people and results; without secrets."""

    @property
    def credentials_origin(self) -> str:
        """Which file, helper or option gave the credentials for ``endpoint``; empty where there are none."""

    def manifest(self, digest: Digest | None = None) -> tuple[bytes, str]:
        """The manifest or index of the image, or the instance ``digest`` of its index: raw bytes and media type.

        The media type is what the place says, and may be empty. The bytes match ``digest``, and the digest in the name
        of the image where it has one.
        """

    def current_digest(self) -> Digest | None:
        """What the digest of ``manifest()`` would be, if that is cheap to know; a hint, not verified."""

    def blob(self, descriptor: Descriptor) -> Iterator[bytes]:
        """The bytes of a config or layer, not verified. Errors come while it is read."""

    def blob_size(self, digest: Digest) -> int | None:
        """The length of a blob in bytes, if that is cheap to know; a hint, not verified."""

    def signatures(self, digest: Digest) -> tuple[Signature, ...]:
        """The signatures that the place keeps of the manifest ``digest``, in its order. Nothing of them is verified."""

    @property
    def signatures_sought(self) -> str:
        """Where ``signatures`` looked, in words for an error; empty before it was asked. Without secrets."""

    def close(self) -> None:
        """Gives back what the source holds open."""
