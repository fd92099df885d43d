# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The requirements that a policy can make of an image (containers-policy.json(5), trust section of each type)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .identity import MATCH_REPO_DIGEST_OR_EXACT, Identity, parse_identity
from .strict import Place, as_bytes, as_list, as_object, as_text

ACCEPT = "insecureAcceptAnything"
REJECT = "reject"
SIGNED_BY = "signedBy"
SIGSTORE_SIGNED = "sigstoreSigned"
SIGNED_BASE_LAYER = "signedBaseLayer"

_KEY_TYPES = frozenset({"GPGKeys", "signedByGPGKeys", "X509Certificates", "signedByX509CAs"})


@dataclass(frozen=True)
class Requirement:
    """One requirement: its type, the name rule, and what else it says as it stands in the file."""

    type: str
    identity: Identity = Identity(MATCH_REPO_DIGEST_OR_EXACT)
    fields: Mapping[str, Any] = field(default_factory=dict)


def parse_requirement(value: Any, place: Place) -> Requirement:
    """The requirement in ``value``. Raises InvalidPolicy."""
    if not isinstance(value, dict):
        raise place.error("a requirement must be an object", type(value).__name__)
    kind = as_text(value.get("type"), place.key("type"))
    parser = _PARSERS.get(kind)
    if parser is None:
        raise place.key("type").error("unknown type of requirement", kind)
    return parser(kind, value, place)


def _plain(kind: str, value: dict[str, Any], place: Place) -> Requirement:
    as_object(value, place, {"type"})
    return Requirement(kind, fields=value)


def _signed_base_layer(kind: str, value: dict[str, Any], place: Place) -> Requirement:
    as_object(value, place, {"type", "baseLayerIdentity"})
    return Requirement(kind, parse_identity(value.get("baseLayerIdentity"), place.key("baseLayerIdentity")), value)


def _signed_by(kind: str, value: dict[str, Any], place: Place) -> Requirement:
    as_object(value, place, {"type", "keyType", "keyPath", "keyPaths", "keyData", "signedIdentity"})
    key_type = as_text(value.get("keyType"), place.key("keyType"))
    if key_type not in _KEY_TYPES:
        raise place.key("keyType").error("unknown type of key", key_type)
    sources = [key for key in ("keyPath", "keyPaths", "keyData") if key in value]
    if len(sources) != 1:
        raise place.error("exactly one of keyPath, keyPaths and keyData is needed", ", ".join(sources))
    _check_key_source(sources[0], value, place, empty_list=True)
    return Requirement(kind, _signed_identity(value, place), value)


def _sigstore_signed(kind: str, value: dict[str, Any], place: Place) -> Requirement:
    keys = ("keyPath", "keyPaths", "keyData", "keyDatas", "fulcio", "pki")
    rekor = ("rekorPublicKeyPath", "rekorPublicKeyPaths", "rekorPublicKeyData", "rekorPublicKeyDatas")
    as_object(value, place, {"type", *keys, *rekor, "signedIdentity"})
    sources = _given(keys, value)
    if len(sources) != 1:
        raise place.error(f"exactly one of {', '.join(keys)} is needed", ", ".join(sources))
    rekor_sources = _given(rekor, value)
    if len(rekor_sources) > 1:
        raise place.error(f"at most one of {', '.join(rekor)} is allowed", ", ".join(rekor_sources))
    if sources[0] == "fulcio":
        _check_fulcio(value["fulcio"], place.key("fulcio"))
        if not rekor_sources:
            raise place.error("fulcio needs a Rekor key")
    elif sources[0] == "pki":
        _check_pki(value["pki"], place.key("pki"))
        if rekor_sources:
            raise place.error("pki does not go with a Rekor key", rekor_sources[0])
    else:
        _check_key_source(sources[0], value, place, empty_list=False)
    for source in rekor_sources:
        _check_key_source(source, value, place, empty_list=False)
    return Requirement(kind, _signed_identity(value, place), value)


def _given(keys: tuple[str, ...], value: dict[str, Any]) -> list[str]:
    """The keys that count as given: containers/image takes an empty or null path as left out."""
    return [key for key in keys if key in value and not (_is_path(key) and value[key] in ("", None))]


def _is_path(key: str) -> bool:
    return key.endswith("Path")


def _check_key_source(key: str, value: dict[str, Any], place: Place, *, empty_list: bool) -> None:
    where = place.key(key)
    if key.endswith("Paths"):
        for number, path in enumerate(as_list(value[key], where, empty=empty_list)):
            as_text(path, where.index(number))
    elif key.endswith("Datas"):
        for number, data in enumerate(as_list(value[key], where)):
            as_bytes(data, where.index(number))
    elif key.endswith("Data"):
        as_bytes(value[key], where)
    else:
        as_text(value[key], where)


def _check_fulcio(value: Any, place: Place) -> None:
    fields = as_object(value, place, {"caPath", "caData", "oidcIssuer", "subjectEmail"})
    sources = _given(("caPath", "caData"), fields)
    if len(sources) != 1:
        raise place.error("exactly one of caPath and caData is needed", ", ".join(sources))
    _check_key_source(sources[0], fields, place, empty_list=False)
    for key in ("oidcIssuer", "subjectEmail"):
        as_text(fields.get(key), place.key(key))


def _check_pki(value: Any, place: Place) -> None:
    names = ("subjectEmail", "subjectHostname")
    roots, intermediates = ("caRootsPath", "caRootsData"), ("caIntermediatesPath", "caIntermediatesData")
    fields = as_object(value, place, {*names, *roots, *intermediates})
    found = _given(roots, fields)
    if len(found) != 1:
        raise place.error("exactly one of caRootsPath and caRootsData is needed", ", ".join(found))
    between = _given(intermediates, fields)
    if len(between) > 1:
        raise place.error("at most one of caIntermediatesPath and caIntermediatesData is allowed")
    for key in (*found, *between):
        _check_key_source(key, fields, place, empty_list=False)
    subjects = [key for key in names if fields.get(key)]
    if not subjects:
        raise place.error("subjectEmail or subjectHostname is needed")
    for key in subjects:
        as_text(fields[key], place.key(key))


def _signed_identity(value: dict[str, Any], place: Place) -> Identity:
    if "signedIdentity" not in value:
        return Identity(MATCH_REPO_DIGEST_OR_EXACT)
    return parse_identity(value["signedIdentity"], place.key("signedIdentity"))


_PARSERS: Mapping[str, Callable[[str, dict[str, Any], Place], Requirement]] = {
    ACCEPT: _plain,
    REJECT: _plain,
    SIGNED_BY: _signed_by,
    SIGSTORE_SIGNED: _sigstore_signed,
    SIGNED_BASE_LAYER: _signed_base_layer,
}
