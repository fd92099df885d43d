# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What cosign calls the parts of a sigstore signature that is attached to an image (cosign's SIGNATURE_SPEC)."""

from __future__ import annotations

# The document that is signed; an attachment of another type is no signature.
PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"

# Annotations: the signature in base64; the certificate of the signer, and those between it and a root, in PEM; the proof of
# Rekor in JSON.
SIGNATURE = "dev.cosignproject.cosign/signature"
CERTIFICATE = "dev.sigstore.cosign/certificate"
CHAIN = "dev.sigstore.cosign/chain"
REKOR_SET = "dev.sigstore.cosign/bundle"
