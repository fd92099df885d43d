# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What a policy judges an image by: the manifest that will be used, and the signatures that its place keeps of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Union

from .._model.digest import Digest
from .._model.manifest import Manifest
from .._model.schema1 import Schema1Manifest

if TYPE_CHECKING:
    from .._model.signature import Signature


class ImageEvidence:
    """The evidence of one image; its signatures are read by ``read`` when they are asked for, and once; ``sought`` then says where.

    They are looked up by the digest of the very bytes that are judged, whatever any server says of them.
    """

    def __init__(
        self,
        manifest: Union[Manifest, Schema1Manifest],
        read: Callable[[Digest], Sequence[Signature]],
        sought: Callable[[], str],
    ) -> None:
        self.parsed = manifest
        self._read = read
        self._sought = sought

    @property
    def sought(self) -> str:
        """Where signatures were looked for, in words; empty where nobody looked."""
        return self._sought()

    def manifest(self) -> bytes:
        """The bytes of the manifest, as received."""
        return self.parsed.raw

    def signatures(self) -> Sequence[Signature]:
        """The signatures, in the order of the place. Raises what reading them raises."""
        return self._signatures

    @cached_property
    def _signatures(self) -> tuple[Signature, ...]:
        return tuple(self._read(self.parsed.digest))
