# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies that are well-formed and policies that are not, for the unit tests and for skopeo as the judge of both."""

from __future__ import annotations

import json
from typing import Any

ACCEPT = {"type": "insecureAcceptAnything"}
REJECT = {"type": "reject"}
SIGNED_BY = {"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/keys/a.gpg"}
SIGSTORE = {"type": "sigstoreSigned", "keyPath": "/keys/a.pub"}
FULCIO = {"caPath": "/keys/ca.pem", "oidcIssuer": "https://issuer.example.com", "subjectEmail": "a@example.com"}
PKI = {"caRootsPath": "/keys/roots.pem", "subjectEmail": "a@example.com"}
BASE64 = "Zm9v"
HEX = "0123456789abcdef" * 4


def default(*requirements: Any) -> str:
    """A policy with these requirements for everything."""
    return json.dumps({"default": list(requirements)})


def scoped(transport: str, *scopes: str) -> str:
    """A policy that rejects ``scopes`` of ``transport``."""
    return json.dumps({"default": [ACCEPT], "transports": {transport: {scope: [REJECT] for scope in scopes}}})


def without(fields: dict[str, Any], *keys: str, **others: Any) -> dict[str, Any]:
    """``fields`` without ``keys`` and with ``others``."""
    return {**{key: value for key, value in fields.items() if key not in keys}, **others}


def signed_by(*absent: str, **fields: Any) -> str:
    """A policy of one signedBy, without the keys ``absent`` and with ``fields``."""
    return default(without(SIGNED_BY, *absent, **fields))


def sigstore(*absent: str, **fields: Any) -> str:
    """A policy of one sigstoreSigned, without the keys ``absent`` and with ``fields``."""
    return default(without(SIGSTORE, *absent, **fields))


def identity(**fields: Any) -> str:
    """A policy whose signedBy has this signedIdentity."""
    return signed_by(signedIdentity=fields)


# What skopeo 1.9.3 (image 5.23) accepts, too.
VALID: dict[str, str] = {
    "accept anything": default(ACCEPT),
    "reject": default(REJECT),
    "several requirements": default(ACCEPT, SIGNED_BY, REJECT),
    "white space around": " \r\n\t" + default(ACCEPT) + " \r\n\t",
    "escaped key": '{"def\\u0061ult": [{"type": "reject"}]}',
    "no transports": '{"default": [{"type": "reject"}], "transports": {}}',
    "transport without scopes": '{"default": [{"type": "reject"}], "transports": {"docker": {}}}',
    "unknown transport with any scope": scoped("nonsense", "x", "/", ""),
    "docker: any scope, even nonsense": scoped("docker", "", "quay.io", "*.example.com", "*.h/ns", "http://x/", " "),
    "docker-daemon: name": scoped("docker-daemon", "", "docker.io/library/busybox:latest", "docker.io", "sha256:abc"),
    "docker-archive: the empty scope": scoped("docker-archive", ""),
    "tarball: the empty scope": scoped("tarball", ""),
    "dir: clean path": scoped("dir", "", "/srv/images", "/srv/.hidden", "/srv/..."),
    "oci: clean path": scoped("oci", "", "/srv/layout"),
    "oci-archive: clean path": scoped("oci-archive", "/srv/a.tar"),
    "sif: clean path": scoped("sif", "/srv/a.sif"),
    "containers-storage: root": scoped("containers-storage", "", "[/var/lib]", "[overlay@/var/lib]"),
    "containers-storage: any name": scoped("containers-storage", "[/v]docker.io/library/busybox:1", "[o@/v]nonsense"),
    "containers-storage: ID": scoped("containers-storage", f"[/v]@{HEX}", f"[/v]name:tag@{HEX}"),
    "containers-storage: digest": scoped("containers-storage", f"[/v]name@sha256:{HEX}"),
    "containers-storage: digest and ID": scoped("containers-storage", f"[o@/v]name:tag@sha256:{HEX}@{HEX}"),
    "containers-storage: at in root": scoped("containers-storage", "[o@/v@w]"),
    "signedBy: one file": signed_by(),
    "signedBy: files": signed_by("keyPath", keyPaths=["/keys/a.gpg", "/keys/b.gpg"]),
    "signedBy: no files": signed_by("keyPath", keyPaths=[]),
    "signedBy: data": signed_by("keyPath", keyData=BASE64),
    "signedBy: empty data": signed_by("keyPath", keyData=""),
    "signedBy: data with line breaks": signed_by("keyPath", keyData="Zm\r\n9v\nZg=\n="),
    "signedBy: signedByGPGKeys": signed_by(keyType="signedByGPGKeys"),
    "signedBy: X509Certificates": signed_by(keyType="X509Certificates"),
    "signedBy: signedByX509CAs": signed_by(keyType="signedByX509CAs"),
    "signedBaseLayer": default({"type": "signedBaseLayer", "baseLayerIdentity": {"type": "matchExact"}}),
    "identity: matchExact": identity(type="matchExact"),
    "identity: matchRepoDigestOrExact": identity(type="matchRepoDigestOrExact"),
    "identity: matchRepository": identity(type="matchRepository"),
    "identity: exactReference with tag": identity(type="exactReference", dockerReference="busybox:1"),
    "identity: exactReference with digest": identity(type="exactReference", dockerReference=f"a.b/c@sha256:{HEX}"),
    "identity: exactRepository": identity(type="exactRepository", dockerRepository="quay.io/ns/app"),
    "identity: exactRepository with tag": identity(type="exactRepository", dockerRepository="quay.io/ns/app:1"),
    "identity: remap host": identity(type="remapIdentity", prefix="localhost:5000", signedPrefix="quay.io"),
    "identity: remap host and path": identity(type="remapIdentity", prefix="a.b/c/d", signedPrefix="docker.io/library"),
    "identity: remap short name": identity(type="remapIdentity", prefix="busybox", signedPrefix="BUSYBOX"),
    "sigstoreSigned: file": sigstore(),
    "sigstoreSigned: data": sigstore("keyPath", keyData=BASE64),
    "sigstoreSigned: empty data": sigstore("keyPath", keyData=""),
    "sigstoreSigned: identity": sigstore(signedIdentity={"type": "matchRepository"}),
}

# What skopeo 1.9.3 refuses, too, with the place in the file or a word that our error names.
INVALID: dict[str, tuple[str, str]] = {
    "nothing": ("", "invalid JSON"),
    "no JSON": ("{", "invalid JSON"),
    "array": ("[]", "wrong type"),
    "null": ("null", "wrong type"),
    "byte order mark": ("\ufeff" + default(ACCEPT), "invalid JSON"),
    "comment": ("// x\n" + default(ACCEPT), "invalid JSON"),
    "trailing comma": ('{"default": [{"type": "reject"}],}', "invalid JSON"),
    "data after the object": (default(ACCEPT) + "{}", "invalid JSON"),
    "NaN": ('{"default": [{"type": "reject"}], "transports": NaN}', "invalid JSON"),
    "no default": ("{}", '"default" is missing'),
    "unknown key": ('{"default": [{"type": "reject"}], "defaults": []}', 'unknown key "defaults"'),
    "key in another case": ('{"Default": [{"type": "reject"}]}', 'unknown key "Default"'),
    "key twice": ('{"default": [{"type": "reject"}], "default": [{"type": "reject"}]}', "duplicate"),
    "key twice, once escaped": (
        '{"default": [{"type": "reject"}], "def\\u0061ult": [{"type": "insecureAcceptAnything"}]}',
        "duplicate",
    ),
    "key twice in a requirement": ('{"default": [{"type": "reject", "type": "reject"}]}', "duplicate"),
    "scope twice": (
        '{"default": [{"type": "reject"}], "transports": {"docker": {"a": [{"type": "reject"}], "a": [{"type": "reject"}]}}}',
        "duplicate",
    ),
    "default null": ('{"default": null}', "default: wrong type"),
    "default empty": ('{"default": []}', "default: the array must not be empty"),
    "default no array": ('{"default": {"type": "reject"}}', "default: wrong type"),
    "requirement null": ('{"default": [null]}', "default[0]: wrong type"),
    "requirement a text": ('{"default": ["reject"]}', "default[0]: wrong type"),
    "requirement empty": ('{"default": [{}]}', 'default[0]: key "type" is missing'),
    "requirement of unknown type": (default({"type": "accept"}), "default[0].type: unknown type"),
    "requirement type in another case": (default({"type": "Reject"}), "default[0].type: unknown type"),
    "requirement type a number": (default({"type": 1}), "default[0].type: wrong type"),
    "requirement type null": (default({"type": None}), "default[0].type: wrong type"),
    "second requirement wrong": (default(ACCEPT, {"type": "x"}), "default[1].type"),
    "accept with another key": (default({**ACCEPT, "x": 1}), 'default[0]: unknown key "x"'),
    "reject with another key": (default({**REJECT, "keyPath": "/a"}), 'default[0]: unknown key "keyPath"'),
    "transports null": ('{"default": [{"type": "reject"}], "transports": null}', "transports: wrong type"),
    "transports an array": ('{"default": [{"type": "reject"}], "transports": []}', "transports: wrong type"),
    "transport null": ('{"default": [{"type": "reject"}], "transports": {"docker": null}}', "transports.docker"),
    "transport an array": ('{"default": [{"type": "reject"}], "transports": {"docker": []}}', "transports.docker"),
    "scope null": ('{"default": [{"type": "reject"}], "transports": {"docker": {"": null}}}', 'transports.docker[""]'),
    "scope empty": ('{"default": [{"type": "reject"}], "transports": {"docker": {"": []}}}', 'transports.docker[""]'),
    "requirement in an unknown transport": (
        '{"default": [{"type": "reject"}], "transports": {"nonsense": {"": [{"type": "x"}]}}}',
        'transports.nonsense[""][0].type',
    ),
    "docker-daemon: digest": (scoped("docker-daemon", f"sha256:{HEX}"), "not a scope of the transport docker-daemon"),
    "docker-archive: path": (scoped("docker-archive", "/a.tar"), "not a scope of the transport docker-archive"),
    "tarball: path": (scoped("tarball", "/a.tar"), "not a scope of the transport tarball"),
    "dir: the root": (scoped("dir", "/"), "not a scope of the transport dir"),
    "dir: relative": (scoped("dir", "a/b"), "not a scope of the transport dir"),
    "dir: slash at the end": (scoped("dir", "/a/"), "not a scope of the transport dir"),
    "dir: two slashes": (scoped("dir", "/a//b"), "not a scope of the transport dir"),
    "dir: two slashes in front": (scoped("dir", "//a"), "not a scope of the transport dir"),
    "dir: dot": (scoped("dir", "/a/./b"), "not a scope of the transport dir"),
    "dir: dots": (scoped("dir", "/a/../b"), "not a scope of the transport dir"),
    "oci: relative": (scoped("oci", "a"), "not a scope of the transport oci"),
    "oci-archive: not clean": (scoped("oci-archive", "/a/"), "not a scope of the transport oci-archive"),
    "sif: not clean": (scoped("sif", "/a/."), "not a scope of the transport sif"),
    "containers-storage: no root": (scoped("containers-storage", "docker.io"), "containers-storage"),
    "containers-storage: no opening bracket": (scoped("containers-storage", "x/v]"), "containers-storage"),
    "containers-storage: an ID too many": (
        scoped("containers-storage", f"[/v]name@sha256:{HEX}@{HEX}@{HEX}"),
        "containers-storage",
    ),
    "containers-storage: no bracket": (scoped("containers-storage", "[/var/lib"), "containers-storage"),
    "containers-storage: empty root": (scoped("containers-storage", "[]"), "containers-storage"),
    "containers-storage: relative root": (scoped("containers-storage", "[var]"), "containers-storage"),
    "containers-storage: relative root of a driver": (scoped("containers-storage", "[o@var]"), "containers-storage"),
    "containers-storage: empty driver": (scoped("containers-storage", "[@/var]"), "containers-storage"),
    "containers-storage: no ID": (scoped("containers-storage", "[/v]name@short"), "containers-storage"),
    "containers-storage: two IDs": (scoped("containers-storage", f"[/v]name@{HEX}@{HEX}"), "containers-storage"),
    "containers-storage: two digests": (
        scoped("containers-storage", f"[/v]name@sha256:{HEX}@sha256:{HEX}"),
        "containers-storage",
    ),
    "signedBy: no keys": (signed_by("keyPath"), "exactly one of these keys"),
    "signedBy: two keys": (signed_by(keyData=BASE64), "exactly one of these keys"),
    "signedBy: empty file beside data": (signed_by(keyPath="", keyData=BASE64), "exactly one of these keys"),
    "signedBy: three keys": (signed_by(keyData=BASE64, keyPaths=["/a"]), "exactly one of these keys"),
    "signedBy: empty file": (signed_by(keyPath=""), "default[0].keyPath"),
    "signedBy: null file": (signed_by(keyPath=None), "default[0].keyPath"),
    "signedBy: file a number": (signed_by(keyPath=1), "default[0].keyPath: wrong type"),
    "signedBy: files null": (signed_by("keyPath", keyPaths=None), "default[0].keyPaths"),
    "signedBy: files a text": (signed_by("keyPath", keyPaths="/a"), "default[0].keyPaths"),
    "signedBy: files of numbers": (signed_by("keyPath", keyPaths=[1]), "default[0].keyPaths[0]"),
    "signedBy: data null": (signed_by("keyPath", keyData=None), "default[0].keyData"),
    "signedBy: data URL-safe": (signed_by("keyPath", keyData="_-8="), "default[0].keyData: not base64"),
    "signedBy: data without padding": (signed_by("keyPath", keyData="Zg"), "default[0].keyData: not base64"),
    "signedBy: data all padding": (signed_by("keyPath", keyData="===="), "default[0].keyData: not base64"),
    "signedBy: data two paddings": (signed_by("keyPath", keyData="=="), "default[0].keyData: not base64"),
    "signedBy: data with a space": (signed_by("keyPath", keyData="Zm 9v"), "default[0].keyData: not base64"),
    "signedBy: data after padding": (signed_by("keyPath", keyData="Zg==Zg=="), "default[0].keyData: not base64"),
    "signedBy: no key type": (signed_by("keyType"), 'key "keyType" is missing'),
    "signedBy: key type null": (signed_by(keyType=None), "default[0].keyType"),
    "signedBy: unknown key type": (signed_by(keyType="gpgkeys"), "default[0].keyType: unknown type of key"),
    "signedBy: unknown key": (signed_by(keypath="/a"), 'unknown key "keypath"'),
    "signedBy: identity null": (signed_by(signedIdentity=None), "default[0].signedIdentity: wrong type"),
    "signedBaseLayer: no identity": (default({"type": "signedBaseLayer"}), '"baseLayerIdentity" is missing'),
    "signedBaseLayer: identity null": (
        default({"type": "signedBaseLayer", "baseLayerIdentity": None}),
        "default[0].baseLayerIdentity: wrong type",
    ),
    "signedBaseLayer: unknown key": (
        default({"type": "signedBaseLayer", "baseLayerIdentity": {"type": "matchExact"}, "x": 1}),
        'unknown key "x"',
    ),
    "identity: no type": (identity(), 'signedIdentity: key "type" is missing'),
    "identity: unknown type": (identity(type="matchexact"), "signedIdentity.type: unknown type"),
    "identity: matchExact with another key": (identity(type="matchExact", x=1), 'unknown key "x"'),
    "identity: matchRepository with another key": (identity(type="matchRepository", x=1), 'unknown key "x"'),
    "identity: default with another key": (identity(type="matchRepoDigestOrExact", x=1), 'unknown key "x"'),
    "identity: exactReference alone": (identity(type="exactReference"), '"dockerReference" is missing'),
    "identity: exactReference without tag": (
        identity(type="exactReference", dockerReference="quay.io/ns/app"),
        "neither a tag nor a digest",
    ),
    "identity: exactReference malformed": (
        identity(type="exactReference", dockerReference="UPPER:1"),
        "dockerReference",
    ),
    "identity: exactReference with line break": (identity(type="exactReference", dockerReference="a:1\n"), "dockerRef"),
    "identity: exactReference with other digits": (
        identity(type="exactReference", dockerReference="a:\uff11"),
        "docker",
    ),
    "identity: exactReference null": (identity(type="exactReference", dockerReference=None), "dockerReference"),
    "identity: exactReference an ID": (identity(type="exactReference", dockerReference=HEX), "dockerReference"),
    "identity: exactRepository malformed": (
        identity(type="exactRepository", dockerRepository="a//b"),
        "dockerRepository",
    ),
    "identity: exactRepository alone": (identity(type="exactRepository"), '"dockerRepository" is missing'),
    "identity: remap without signedPrefix": (identity(type="remapIdentity", prefix="a.b"), '"signedPrefix" is missing'),
    "identity: remap with tag": (identity(type="remapIdentity", prefix="a.b/c:1", signedPrefix="a.b"), ".prefix"),
    "identity: remap with digest": (
        identity(type="remapIdentity", prefix="a.b", signedPrefix=f"a.b/c@sha256:{HEX}"),
        ".signedPrefix",
    ),
    "identity: remap with slash at the end": (
        identity(type="remapIdentity", prefix="a.b/", signedPrefix="a.b"),
        ".prefix",
    ),
    "identity: remap empty": (identity(type="remapIdentity", prefix="", signedPrefix="a.b"), ".prefix"),
    "identity: remap wildcard": (identity(type="remapIdentity", prefix="*.b", signedPrefix="a.b"), ".prefix"),
    "identity: remap null": (identity(type="remapIdentity", prefix=None, signedPrefix="a.b"), ".prefix"),
    "sigstoreSigned: no keys": (sigstore("keyPath"), "exactly one of these keys"),
    "sigstoreSigned: two keys": (sigstore(keyData=BASE64), "exactly one of these keys"),
    "sigstoreSigned: file a number": (sigstore(keyPath=1), "default[0].keyPath: wrong type"),
    "sigstoreSigned: data no base64": (sigstore("keyPath", keyData="-"), "default[0].keyData: not base64"),
    "sigstoreSigned: unknown key": (sigstore(x=1), 'unknown key "x"'),
    "sigstoreSigned: identity null": (sigstore(signedIdentity=None), "default[0].signedIdentity"),
    "requirement nested too deep": ('{"default": ' + "[" * 20000 + "]" * 20000 + "}", "nested too deeply"),
}

# What skopeo 1.9.3 of Debian is no judge of: keys of sigstoreSigned that are younger (in its days an empty or null one
# also counted as given), and the transport atomic, which its build lacks.
VALID_UNJUDGED: dict[str, str] = {
    "atomic: host": scoped("atomic", "", "host:5000"),
    "atomic: host and namespace": scoped("atomic", "host:5000/ns"),
    "atomic: host, namespace and stream": scoped("atomic", "host/ns/stream", "host/ns/stream:tag"),
    "sigstoreSigned: empty file beside data": sigstore(keyPath="", keyData=BASE64),
    "sigstoreSigned: null file beside data": sigstore(keyPath=None, keyData=BASE64),
    "sigstoreSigned: null data beside file": sigstore(keyData=None),
    "sigstoreSigned: files": sigstore("keyPath", keyPaths=["/a.pub", "/b.pub"]),
    "sigstoreSigned: datas": sigstore("keyPath", keyDatas=[BASE64, BASE64]),
    "sigstoreSigned: Rekor file": sigstore(rekorPublicKeyPath="/r.pub"),
    "sigstoreSigned: Rekor files": sigstore(rekorPublicKeyPaths=["/r.pub"]),
    "sigstoreSigned: Rekor data": sigstore(rekorPublicKeyData=BASE64),
    "sigstoreSigned: Rekor datas": sigstore(rekorPublicKeyDatas=[BASE64]),
    "sigstoreSigned: empty Rekor file": sigstore(rekorPublicKeyPath=""),
    "sigstoreSigned: null Rekor data": sigstore(rekorPublicKeyData=None),
    "fulcio: file": sigstore("keyPath", fulcio=FULCIO, rekorPublicKeyPath="/r.pub"),
    "fulcio: data": sigstore("keyPath", fulcio=without(FULCIO, "caPath", caData=BASE64), rekorPublicKeyData=BASE64),
    "pki: files": sigstore("keyPath", pki={**PKI, "caIntermediatesPath": "/i.pem", "subjectHostname": "example.com"}),
    "pki: datas": sigstore(
        "keyPath", pki={"caRootsData": BASE64, "caIntermediatesData": BASE64, "subjectHostname": "example.com"}
    ),
    "pki: address alone": sigstore("keyPath", pki=PKI),
    "pki: empty Rekor file": sigstore("keyPath", pki=PKI, rekorPublicKeyPath=""),
}

INVALID_UNJUDGED: dict[str, tuple[str, str]] = {
    "atomic: tag without stream": (scoped("atomic", "host/ns:tag"), "not a scope of the transport atomic"),
    "atomic: too deep": (scoped("atomic", "host/ns/a/b"), "not a scope of the transport atomic"),
    "sigstoreSigned: empty file": (sigstore(keyPath=""), "exactly one of these keys"),
    "sigstoreSigned: null file": (sigstore(keyPath=None), "exactly one of these keys"),
    "sigstoreSigned: null data": (sigstore("keyPath", keyData=None), "exactly one of these keys"),
    "sigstoreSigned: no files": (sigstore("keyPath", keyPaths=[]), "default[0].keyPaths: the array must not be empty"),
    "sigstoreSigned: files null": (sigstore("keyPath", keyPaths=None), "default[0].keyPaths: wrong type"),
    "sigstoreSigned: no datas": (sigstore("keyPath", keyDatas=[]), "default[0].keyDatas: the array must not be empty"),
    "sigstoreSigned: file and files": (sigstore(keyPaths=["/a"]), "exactly one of these keys"),
    "sigstoreSigned: key and fulcio": (sigstore(fulcio=FULCIO, rekorPublicKeyPath="/r"), "exactly one of these keys"),
    "sigstoreSigned: two Rekor keys": (sigstore(rekorPublicKeyPath="/r", rekorPublicKeyData=BASE64), "at most one"),
    "sigstoreSigned: no Rekor files": (sigstore(rekorPublicKeyPaths=[]), "default[0].rekorPublicKeyPaths"),
    "fulcio: null": (sigstore("keyPath", fulcio=None, rekorPublicKeyPath="/r"), "default[0].fulcio: wrong type"),
    "fulcio: without Rekor": (sigstore("keyPath", fulcio=FULCIO), "fulcio needs a key of Rekor"),
    "fulcio: with empty Rekor": (sigstore("keyPath", fulcio=FULCIO, rekorPublicKeyPath=""), "fulcio needs a key"),
    "fulcio: no roots": (
        sigstore("keyPath", fulcio=without(FULCIO, "caPath"), rekorPublicKeyPath="/r"),
        "default[0].fulcio: exactly one",
    ),
    "fulcio: two roots": (
        sigstore("keyPath", fulcio={**FULCIO, "caData": BASE64}, rekorPublicKeyPath="/r"),
        "default[0].fulcio: exactly one",
    ),
    "fulcio: no issuer": (
        sigstore("keyPath", fulcio=without(FULCIO, "oidcIssuer"), rekorPublicKeyPath="/r"),
        '"oidcIssuer" is missing',
    ),
    "fulcio: null address": (
        sigstore("keyPath", fulcio={**FULCIO, "subjectEmail": None}, rekorPublicKeyPath="/r"),
        '"subjectEmail" is missing',
    ),
    "fulcio: unknown key": (sigstore("keyPath", fulcio={**FULCIO, "x": 1}, rekorPublicKeyPath="/r"), 'unknown key "x"'),
    "pki: null": (sigstore("keyPath", pki=None), "default[0].pki: wrong type"),
    "pki: with Rekor": (sigstore("keyPath", pki=PKI, rekorPublicKeyPath="/r"), "pki excludes keys of Rekor"),
    "pki: no roots": (sigstore("keyPath", pki=without(PKI, "caRootsPath")), "default[0].pki: exactly one"),
    "pki: two roots": (sigstore("keyPath", pki={**PKI, "caRootsData": BASE64}), "default[0].pki: exactly one"),
    "pki: two intermediates": (
        sigstore("keyPath", pki={**PKI, "caIntermediatesPath": "/i", "caIntermediatesData": BASE64}),
        "default[0].pki: at most one",
    ),
    "pki: no subject": (sigstore("keyPath", pki=without(PKI, "subjectEmail")), "one of these keys must be there"),
    "pki: empty subject": (sigstore("keyPath", pki={**PKI, "subjectEmail": ""}), "one of these keys must be there"),
}
