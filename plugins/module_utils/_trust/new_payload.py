# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The documents that are signed, of both kinds, as containers/image writes them (containers-signature(5)).

Sources: containers/image, ``signature/simple.go`` and ``signature/internal/sigstore_payload.go``.
"""

from __future__ import annotations

from typing import Any

from .._errors import UsageError
from .._model.digest import Digest
from .._model.json_text import go_json
from .._model.reference import Reference
from .signed_payload import SIGSTORE_TYPE, SIMPLE_TYPE


class NothingToSign(UsageError):
    """The name has neither a tag nor a digest, so a signature of it would say nothing of a version."""

    code = "reference_not_signable"


def simple_payload(manifest: bytes, reference: Reference, creator: str, now: float) -> bytes:
    """The document by which ``manifest`` may be called ``reference``, for simple signing.

    ``creator`` names the program, ``now`` is the time in seconds since 1970. Raises NothingToSign.
    """
    return _payload(SIMPLE_TYPE, manifest, reference, creator, now)


def sigstore_payload(manifest: bytes, reference: Reference, creator: str, now: float) -> bytes:
    """The same for a sigstore signature. Unlike cosign's it keeps the tag, so that another version is told apart."""
    return _payload(SIGSTORE_TYPE, manifest, reference, creator, now)


def _payload(kind: str, manifest: bytes, reference: Reference, creator: str, now: float) -> bytes:
    if not reference.tag and not reference.digest:
        raise NothingToSign(
            "the name cannot be signed", subject=str(reference), wanted="a tag or a digest", found="neither"
        )
    value: dict[str, Any] = {
        "critical": {
            "identity": {"docker-reference": str(reference)},
            "image": {"docker-manifest-digest": str(Digest.of(manifest))},
            "type": kind,
        },
        "optional": {"creator": creator, "timestamp": int(now)},
    }
    # Its keys are sorted, as Go sorts them.
    return go_json(value).encode("utf-8")
