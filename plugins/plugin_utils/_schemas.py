# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""JSON schemas (draft 2020-12) of what the role host_config is given and of the policy that it writes.

The policy's follows containers-policy.json(5) and containers/image (``signature/policy_config.go``): no unknown key, no
empty list of requirements. What a schema cannot say, the engine's own parser checks after it.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string", "minLength": 1}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_SOME_TEXTS: Schema = {**_TEXTS, "minItems": 1}
_FLAG: Schema = {"type": "boolean"}


def _object(properties: Schema, required: tuple[str, ...] = (), **more: Any) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
        **more,
    }


def _each(keys: tuple[str, ...]) -> list[Schema]:
    return [{"required": [key]} for key in keys]


# The description of a schema of several choices is the message for a value that fits none of them.


def _exactly_one(*keys: str) -> Schema:
    return {"oneOf": _each(keys), "description": f"exactly one of {', '.join(keys)} is needed"}


def _at_least_one(*keys: str) -> Schema:
    return {"anyOf": _each(keys), "description": f"at least one of {', '.join(keys)} is needed"}


def _at_most_one(*keys: str) -> Schema:
    none = {"not": {"anyOf": _each(keys)}}
    return {"oneOf": [*_each(keys), none], "description": f"at most one of {', '.join(keys)} may be given"}


def _none(*keys: str) -> Schema:
    return {"not": {"anyOf": _each(keys)}, "description": f"none of {', '.join(keys)} may be given with this"}


def _by_type(schemas: dict[str, Schema], required: dict[str, tuple[str, ...]]) -> Schema:
    """An object whose ``type`` tells which schema holds; looked at first, so that a message is about what was meant."""
    return {
        "type": "object",
        "properties": {"type": {"enum": list(schemas)}},
        "required": ["type"],
        "allOf": [
            {
                "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
                "then": _object(
                    {"type": {}, **schema.get("properties", {})}, required.get(name, ()), allOf=schema.get("allOf", [])
                ),
            }
            for name, schema in schemas.items()
        ],
    }


_IDENTITY = _by_type(
    {
        "matchExact": {},
        "matchRepoDigestOrExact": {},
        "matchRepository": {},
        "exactReference": {"properties": {"dockerReference": _TEXT}},
        "exactRepository": {"properties": {"dockerRepository": _TEXT}},
        "remapIdentity": {"properties": {"prefix": _TEXT, "signedPrefix": _TEXT}},
    },
    {
        "exactReference": ("dockerReference",),
        "exactRepository": ("dockerRepository",),
        "remapIdentity": ("prefix", "signedPrefix"),
    },
)

_SIGNED_BY: Schema = {
    "properties": {
        "keyType": {"enum": ["GPGKeys", "signedByGPGKeys", "X509Certificates", "signedByX509CAs"]},
        "keyPath": _TEXT,
        "keyPaths": _TEXTS,
        "keyData": _TEXT,
        "signedIdentity": _IDENTITY,
    },
    "allOf": [_exactly_one("keyPath", "keyPaths", "keyData")],
}

_FULCIO = _object(
    {"caPath": _TEXT, "caData": _TEXT, "oidcIssuer": _TEXT, "subjectEmail": _TEXT},
    ("oidcIssuer", "subjectEmail"),
    allOf=[_exactly_one("caPath", "caData")],
)

_PKI = _object(
    {
        "caRootsPath": _TEXT,
        "caRootsData": _TEXT,
        "caIntermediatesPath": _TEXT,
        "caIntermediatesData": _TEXT,
        "subjectEmail": _TEXT,
        "subjectHostname": _TEXT,
    },
    allOf=[
        _exactly_one("caRootsPath", "caRootsData"),
        _at_least_one("subjectEmail", "subjectHostname"),
        _at_most_one("caIntermediatesPath", "caIntermediatesData"),
    ],
)

_REKOR_KEYS = ("rekorPublicKeyPath", "rekorPublicKeyPaths", "rekorPublicKeyData", "rekorPublicKeyDatas")

_SIGSTORE_SIGNED: Schema = {
    "properties": {
        "keyPath": _TEXT,
        "keyPaths": _SOME_TEXTS,
        "keyData": _TEXT,
        "keyDatas": _SOME_TEXTS,
        "fulcio": _FULCIO,
        "pki": _PKI,
        "rekorPublicKeyPath": _TEXT,
        "rekorPublicKeyPaths": _SOME_TEXTS,
        "rekorPublicKeyData": _TEXT,
        "rekorPublicKeyDatas": _SOME_TEXTS,
        "signedIdentity": _IDENTITY,
    },
    "allOf": [
        _exactly_one("keyPath", "keyPaths", "keyData", "keyDatas", "fulcio", "pki"),
        _at_most_one(*_REKOR_KEYS),
        {"if": {"required": ["fulcio"]}, "then": _at_least_one(*_REKOR_KEYS)},
        {"if": {"required": ["pki"]}, "then": _none(*_REKOR_KEYS)},
    ],
}

_REQUIREMENT = _by_type(
    {
        "insecureAcceptAnything": {},
        "reject": {},
        "signedBy": _SIGNED_BY,
        "sigstoreSigned": _SIGSTORE_SIGNED,
        "signedBaseLayer": {"properties": {"baseLayerIdentity": _IDENTITY}},
    },
    {"signedBy": ("keyType",), "signedBaseLayer": ("baseLayerIdentity",)},
)

_REQUIREMENTS: Schema = {"type": "array", "items": _REQUIREMENT, "minItems": 1}

POLICY = _object(
    {
        "default": _REQUIREMENTS,
        "transports": {
            "type": "object",
            "additionalProperties": {"type": "object", "additionalProperties": _REQUIREMENTS},
        },
    },
    ("default",),
)

STORAGE = _object(
    {
        "driver": {"enum": ["overlay", "vfs", "btrfs"]},
        "graphroot": {"type": "string", "pattern": "^($|[/$])"},
        "runroot": {"type": "string", "pattern": "^($|[/$])"},
        "mountopt": {"type": "string"},
        "additional_image_stores": {"type": "array", "items": {"type": "string", "pattern": "^[/$]"}},
        "options": {"type": "object"},
    },
    ("driver",),
)

REGISTRIES = _object(
    {
        "search": _TEXTS,
        "short_name_mode": {"enum": ["enforcing", "permissive", "disabled"]},
        "aliases": {"type": "object", "additionalProperties": {"type": "string"}},
        "registries": {
            "type": "array",
            "items": _object({"prefix": _TEXT, "location": _TEXT, "insecure": _FLAG, "blocked": _FLAG}),
        },
    }
)

_CONTENT = _exactly_one("src", "content")
# A name that stays in its directory.
_FILE_NAME: Schema = {
    "type": "string",
    "pattern": "^[A-Za-z0-9_][A-Za-z0-9._@+-]*$",
    "description": "a file's name without a directory is needed",
}

KEYS: Schema = {
    "type": "array",
    "items": _object({"name": _FILE_NAME, "src": _TEXT, "content": _TEXT}, ("name",), allOf=[_CONTENT]),
}

CERTIFICATES: Schema = {
    "type": "array",
    "items": _object(
        {
            "registry": {
                "type": "string",
                "pattern": "^[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?$",
                "description": "a registry as host or host:port is needed",
            },
            "name": {
                "allOf": [
                    _FILE_NAME,
                    {
                        "pattern": r"\.(crt|cert|key)$",
                        "description": "containers read files *.crt, *.cert and *.key and no others",
                    },
                ]
            },
            "src": _TEXT,
            "content": _TEXT,
        },
        ("registry", "name"),
        allOf=[_CONTENT],
    ),
}

_ADDRESS: Schema = {
    "type": "string",
    "pattern": "^(file:///|https?://[^/])",
    "description": "an address that begins with file:///, http:// or https:// is needed",
}

SIGNATURE_STORES: Schema = {
    "type": "array",
    "items": _object(
        {
            "scope": {"type": "string"},
            "lookaside": _ADDRESS,
            "lookaside_staging": _ADDRESS,
            "use_sigstore_attachments": _FLAG,
        },
        allOf=[_at_least_one("lookaside", "lookaside_staging", "use_sigstore_attachments")],
    ),
}
