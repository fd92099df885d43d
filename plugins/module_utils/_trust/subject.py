# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What is judged, and what a judgement may ask for. Everything outside of the policy comes in by these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from .._model.reference import Reference

if TYPE_CHECKING:
    from .._model.openpgp_report import OpenPgpReport
    from .._model.signature import Signature


class Evidence(Protocol):
    """The image itself, asked for only by a requirement that looks at signatures."""

    def manifest(self) -> bytes:
        """The very bytes of the manifest that will be used: for a list those of the chosen instance."""

    def signatures(self) -> Sequence[Signature]:
        """All signatures of that manifest, in the order of the place that keeps them."""


@dataclass(frozen=True)
class Subject:
    """The image that is judged.

    ``name`` is what errors call it. ``identity`` is the reference that the user asked for, before any mirror, with a tag
    or a digest; None where the transport knows no such names.
    """

    name: str
    identity: Reference | None
    evidence: Evidence


class OpenPgp(Protocol):
    """Something that checks OpenPGP messages: ``_host/gpg``, or a stand-in."""

    def __call__(self, keyrings: Sequence[bytes], message: bytes) -> OpenPgpReport:
        """What came of importing each of ``keyrings`` into an empty keyring, and then verifying ``message``.

        Raises HostError where it cannot be done at all.
        """


@dataclass(frozen=True)
class Tools:
    """The outside of a judgement.

    ``read_file`` gives the content of a file of keys that the policy names, and raises HostError. ``now`` gives the time in
    seconds since 1970.
    """

    read_file: Callable[[str], bytes]
    openpgp: OpenPgp
    now: Callable[[], float]
