# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""``signedBaseLayer``: parsed and never verified, here as in containers/image, which has no code for it."""

from __future__ import annotations

from dataclasses import dataclass

from .requirement import Requirement
from .signed_identity import SignedIdentity, parse_signed_identity
from .strict_json import Value


@dataclass(frozen=True)
class SignedBaseLayer(Requirement):
    """The image's base must be that image."""

    type = "signedBaseLayer"
    base_layer_identity: SignedIdentity

    @classmethod
    def parse(cls, value: Value) -> SignedBaseLayer:
        """The requirement in ``value``. Raises InvalidPolicy."""
        return cls(parse_signed_identity(value.fields(["type", "baseLayerIdentity"])["baseLayerIdentity"]))
