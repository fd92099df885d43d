# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Why a requirement is not met: the codes, and the exception by which a check says so to the requirement that runs it."""

from __future__ import annotations

ACCEPTED = "accepted"
# A reject requirement, or none that accepts.
REFUSED = "policy_refused"
# Recognised, and verified by nobody (containers/image has no code for it either).
UNSUPPORTED = "policy_unsupported"
NO_SIGNATURE = "signature_missing"
# Trusted keys or certificates that are unreadable, malformed or none.
BAD_KEYS = "trusted_keys_invalid"
# The OpenPGP signature: by another key, expired, revoked, not exactly one.
BAD_OPENPGP = "openpgp_refused"
# The sigstore signature, its certificate, or its proof from Rekor.
BAD_SIGSTORE = "sigstore_refused"
BAD_PAYLOAD = "signed_payload_invalid"
OTHER_DIGEST = "signed_digest_mismatch"
OTHER_IDENTITY = "signed_identity_refused"
# Several signatures, each refused for a reason of its own.
NONE_ACCEPTED = "signatures_refused"


class Refusal(Exception):
    """A check failed: ``code`` is one of the above, ``reason`` a sentence for people. Never leaves ``_trust``."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
