# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documents that are signed, as container-signature(5) describes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.reference import parse_reference
from ansible_collections.strata.containers.plugins.module_utils._trust.new_payload import (
    NothingToSign,
    sigstore_payload,
    simple_payload,
)

MANIFEST = b'{"schemaVersion":2}'
KINDS = [(simple_payload, "atomic container signature"), (sigstore_payload, "cosign container image signature")]


@pytest.mark.parametrize(("payload", "kind"), KINDS)
def test_a_payload_says_what_is_signed_by_which_name(payload: Callable[..., bytes], kind: str) -> None:
    made = json.loads(payload(MANIFEST, parse_reference("quay.io/app:v1"), "a program", 1700000000.9))
    assert made == {
        "critical": {
            "identity": {"docker-reference": "quay.io/app:v1"},
            "image": {"docker-manifest-digest": f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"},
            "type": kind,
        },
        "optional": {"creator": "a program", "timestamp": 1700000000},
    }


@pytest.mark.parametrize(("payload", "kind"), KINDS)
def test_a_name_without_a_version_is_not_signed(payload: Callable[..., bytes], kind: str) -> None:
    with pytest.raises(NothingToSign) as caught:
        payload(MANIFEST, parse_reference("quay.io/app"), kind, 0)
    facts = caught.value.facts()
    assert (facts["code"], facts["object"]) == ("reference_not_signable", "quay.io/app")
    assert (facts["wanted"], facts["found"]) == ("a tag or a digest", "neither")
