# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A world of sigstore certificates: authorities, a log, and what is wanted of a signer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.strata.containers.plugins.module_utils._model.signature import SigstoreSignature

from .openssl import AUTHORITY, SIGNER, WITHIN, Certified, Key, Workshop
from .sigstore import by_fulcio, by_pki, certified, logged

EMAIL = "alice@example.com"
ISSUER = "https://issuer.example.com"
OLDER = f"1.3.6.1.4.1.57264.1.1=DER:{ISSUER.encode().hex(':')}"
NEWER = f"1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:{ISSUER}"
ALICE = f"{SIGNER}\nsubjectAltName=email:{EMAIL}"
FULCIO = f"{ALICE}\n{OLDER}\n{NEWER}"
BETWEEN = f"{AUTHORITY}\nextendedKeyUsage=codeSigning"


@dataclass(frozen=True)
class World:
    """A root, an authority below it, a log, and a key of a signer."""

    workshop: Workshop
    root: Certified
    between: Certified
    log: Key
    key: Key

    def fulcio(self, leaf: Certified, *chain: Certified, when: int = WITHIN) -> SigstoreSignature:
        """A signature by ``leaf`` that the log has seen."""
        return logged(self.log, leaf.pem, certified(leaf, *chain), when)

    def by_fulcio(self, **fields: Any) -> dict[str, Any]:
        return by_fulcio(self.root.pem, self.log, **{"email": EMAIL, "issuer": ISSUER, **fields})

    def by_pki(self, **fields: Any) -> dict[str, Any]:
        return by_pki(self.root.pem, **(fields or {"subjectEmail": EMAIL}))

    def leaf(self, extensions: str = ALICE, **options: Any) -> Certified:
        return self.workshop.issue(self.between, extensions=extensions, **{"key": self.key, **options})


def make_world(workshop: Workshop) -> World:
    """A world whose keys are new."""
    root = workshop.root()
    between = workshop.issue(root, "Between", BETWEEN)
    return World(workshop, root, between, workshop.key(), workshop.key())
