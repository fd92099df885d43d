# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Sigstore signatures that lie beside their image, as an image of the tag ``sha256-<hex>.sig`` (cosign's older way).

Each layer of that image is one attachment; its blob is the payload, its annotations hold the signature. Nothing of the
manifest needs protection: what counts is signed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .._errors import DataError
from .._layer.verify import verified_bytes
from .._model.descriptor import Descriptor
from .._model.digest import Digest
from .._model.manifest import Manifest
from .._model.manifest_parser import parse_manifest
from .._model.media_types import OCI_MANIFEST
from .._model.signature import SigstoreSignature
from .errors import ManifestUnknown
from .signature_limits import SIGNATURE_LIMIT, require_few


class InvalidAttachment(DataError):
    """What lies where attached signatures should be is something else."""

    code = "invalid_signature"


def attached_signatures(
    manifest: Callable[[str], tuple[bytes, str]],
    blob: Callable[[Digest, int | None], Iterator[bytes]],
    repository: str,
    digest: Digest,
) -> tuple[SigstoreSignature, ...]:
    """What is attached to the manifest ``digest``, in the order of the attachment's layers; none where there is no such tag.

    Attestations are among them, told apart by their media type. ``manifest`` gives bytes and media type of a tag, ``blob``
    the bytes of a blob, both of the ``repository`` that errors name. Raises InvalidAttachment, TooManySignatures,
    SizeMismatch, DigestMismatch, what the parser of manifests raises, and what the two raise.
    """
    tag = f"{digest.algorithm}-{digest.hex}.sig"
    try:
        raw, media_type = manifest(tag)
    except ManifestUnknown:
        return ()
    where = f"{repository}:{tag}"
    parsed = parse_manifest(raw, media_type)
    if media_type != OCI_MANIFEST or not isinstance(parsed, Manifest):
        raise InvalidAttachment(
            "no attachment of signatures", subject=where, wanted=OCI_MANIFEST, found=media_type or "no media type"
        )
    require_few(len(parsed.layers), where)
    return tuple(_signature(layer, blob, where) for layer in parsed.layers)


def _signature(
    layer: Descriptor, blob: Callable[[Digest, int | None], Iterator[bytes]], where: str
) -> SigstoreSignature:
    if layer.size > SIGNATURE_LIMIT:
        raise InvalidAttachment(
            f"an attachment exceeds the maximum allowed size of {SIGNATURE_LIMIT} bytes",
            subject=where,
            found=str(layer.size),
            code="too_large",
        )
    payload = verified_bytes(blob(layer.digest, layer.size), layer)
    return SigstoreSignature(layer.media_type, payload, layer.annotations)
