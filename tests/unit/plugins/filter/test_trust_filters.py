# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters for what verification needs: keys, certificates and the places of signatures, and every fault that they refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.strata.containers.plugins.filter.registries_d_yaml import registries_d_yaml
from ansible_collections.strata.containers.plugins.filter.trust_files import trust_files


def pem(label: str, body: str = "QUJD") -> str:
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"


def key(**fields: Any) -> list[dict[str, Any]]:
    return [{"name": "a.pem", **fields}]


# What is public, by the first bytes of RFC 4880 and the labels of RFC 7468.
PUBLIC = {
    "armored": pem("PGP PUBLIC KEY BLOCK", "\nmDMEZ\n=abcd"),
    "PEM": pem("PUBLIC KEY"),
    "PEM of RSA": pem("RSA PUBLIC KEY"),
    "certificates": pem("CERTIFICATE") + pem("CERTIFICATE"),
    "text around it": "# ours\n" + pem("PUBLIC KEY") + "# the end\n",
}

PRIVATE = {
    "PKCS #8": pem("PRIVATE KEY"),
    "of cosign": pem("ENCRYPTED SIGSTORE PRIVATE KEY"),
    "of EC": pem("EC PRIVATE KEY"),
    "armored": pem("PGP PRIVATE KEY BLOCK"),
    "behind a public one": pem("PUBLIC KEY") + pem("PRIVATE KEY"),
    "half": "-----BEGIN PRIVATE KEY-----\n",
}


@pytest.mark.parametrize("name", PUBLIC)
def test_public_keys_are_given_back_with_their_directory(name: str) -> None:
    assert trust_files(key(content=PUBLIC[name]), "/keys") == [
        {"name": "a.pem", "content": PUBLIC[name], "directory": "/keys"}
    ]


@pytest.mark.parametrize("first", [0x98, 0x99, 0x9A, 0xC6])
def test_binary_keys_come_from_files(tmp_path: Path, first: int) -> None:
    (tmp_path / "a.gpg").write_bytes(bytes([first, 0x33, 4]))
    files = [{"name": "b.gpg", "src": "a.gpg"}]
    assert trust_files(files, "/keys", sources={"a.gpg": str(tmp_path / "a.gpg")}) == [
        {**files[0], "directory": "/keys"}
    ]


@pytest.mark.parametrize("first", [0x94, 0x95, 0x96, 0xC5])
def test_binary_secret_keys_are_refused(tmp_path: Path, first: int) -> None:
    (tmp_path / "a.gpg").write_bytes(bytes([first, 0x33, 4]))
    with pytest.raises(AnsibleFilterError, match=r"a\.gpg: this is a private key"):
        trust_files([{"name": "a.gpg", "src": str(tmp_path / "a.gpg")}], "/keys")


@pytest.mark.parametrize("name", PRIVATE)
def test_private_keys_are_refused(name: str) -> None:
    with pytest.raises(AnsibleFilterError, match=r"a\.pem: this is a private key"):
        trust_files(key(content=PRIVATE[name]), "/keys")


@pytest.mark.parametrize(
    ("files", "word"),
    [
        (key(content=""), "non-empty|too short"),
        (key(content="ssh-ed25519 AAAA"), "found nothing of that kind"),
        (key(content="\x98\x33"), "found nothing of that kind"),
        (key(content=pem("CERTIFICATE REQUEST")), "found CERTIFICATE REQUEST"),
        (key(content=pem("PUBLIC KEY") + pem("DH PARAMETERS")), "found DH PARAMETERS"),
        (key(content=pem("PUBLIC KEY", "n@t base64")), "PUBLIC KEY in it is damaged"),
        (key(content=pem("PUBLIC KEY", "")), "PUBLIC KEY in it is damaged"),
        (key(), "exactly one of src, content"),
        (key(src="a", content="b"), "exactly one of src, content"),
        (key(src="/nowhere/at/all"), "cannot read /nowhere/at/all"),
        ([{"name": "../a.pem", "content": PUBLIC["PEM"]}], "without a directory"),
        ([{"name": ".hidden", "content": PUBLIC["PEM"]}], "without a directory"),
        (key(content=PUBLIC["PEM"]) * 2, "two files of this name"),
        (key(content=PUBLIC["PEM"], mode="0777"), "mode"),
        ("a.pem", "array"),
    ],
)
def test_other_files_are_refused(files: Any, word: str) -> None:
    with pytest.raises(AnsibleFilterError, match=word):
        trust_files(files, "/keys")


def certificate(name: str, registry: str = "r.io:5000", **fields: Any) -> dict[str, Any]:
    return {"registry": registry, "name": name, **(fields or {"content": pem("CERTIFICATE")})}


def test_certificates_belong_to_their_registry() -> None:
    files = [
        certificate("ca.crt"),
        certificate("us.cert"),
        # Never read here, so it need not be there.
        certificate("us.key", src="/nowhere/us.key"),
        certificate("ca.crt", registry="s.io"),
    ]
    found = trust_files(files, "/certs.d", "certificates")
    assert [entry.pop("directory") for entry in found] == ["/certs.d/r.io:5000"] * 3 + ["/certs.d/s.io"]
    assert found == files


@pytest.mark.parametrize(
    ("files", "word"),
    [
        ([certificate("us.cert")], r"no r\.io:5000/us\.key beside it"),
        ([certificate("us.key", src="/us.key")], r"no r\.io:5000/us\.cert beside it"),
        ([certificate("us.cert"), certificate("us.key", registry="s.io", src="/us.key")], "beside it"),
        ([certificate("us.cert"), certificate("us.key", content=pem("PRIVATE KEY"))], "from a file"),
        ([certificate("ca.pem")], "crt"),
        ([certificate("ca.crt", registry="https://r.io")], "host"),
        ([certificate("ca.crt", registry="..")], "host"),
        ([certificate("ca.crt", content=pem("PUBLIC KEY"))], "wanted CERTIFICATE, found PUBLIC KEY"),
        ([certificate("ca.crt", content=pem("CERTIFICATE") + pem("PRIVATE KEY"))], "private key"),
        ([certificate("ca.crt"), certificate("ca.crt")], "two files of this name"),
    ],
)
def test_wrong_certificates_are_refused(files: list[dict[str, Any]], word: str) -> None:
    with pytest.raises(AnsibleFilterError, match=word):
        trust_files(files, "/certs.d", "certificates")


def test_places_of_signatures_are_written_as_containers_registries_d_has_them() -> None:
    text = registries_d_yaml(
        [
            {"lookaside": "https://signatures.example.com"},
            {"scope": "r.io/ns", "lookaside": "file:///srv/a", "lookaside_staging": "file:///srv/b"},
            {"scope": "s.io", "use_sigstore_attachments": False},
        ]
    )
    assert yaml.safe_load(text) == {
        "default-docker": {"lookaside": "https://signatures.example.com"},
        "docker": {
            "r.io/ns": {"lookaside": "file:///srv/a", "lookaside-staging": "file:///srv/b"},
            "s.io": {"use-sigstore-attachments": False},
        },
    }


@pytest.mark.parametrize(
    ("stores", "word"),
    [
        ([{"scope": "r.io"}], "at least one of lookaside, lookaside_staging, use_sigstore_attachments"),
        ([{"lookaside": "/srv/a"}], "an address that begins with"),
        ([{"lookaside": "file://srv/a"}], "an address that begins with"),
        ([{"lookaside": "ftp://r.io"}], "an address that begins with"),
        ([{"use_sigstore_attachments": "yes"}], "use_sigstore_attachments"),
        ([{"sigstore": "https://r.io"}], "sigstore"),
        ([{"lookaside": "https://a.io"}, {"scope": "", "lookaside": "https://b.io"}], "all registries is there twice"),
        ([{"scope": "r.io", "lookaside": "https://a.io"}] * 2, r"r\.io is there twice"),
    ],
)
def test_wrong_places_are_refused(stores: list[dict[str, Any]], word: str) -> None:
    with pytest.raises(AnsibleFilterError, match=word):
        registries_d_yaml(stores)


def test_another_file_must_not_speak_of_the_same_scope_nor_be_broken() -> None:
    stores = [{"scope": "r.io", "lookaside": "https://a.io"}]
    assert registries_d_yaml(stores, {"/d/a.yaml": "docker:\n  s.io:\n    lookaside: https://s.io\n"})
    with pytest.raises(AnsibleFilterError, match=r"docker\.r\.io is defined in /d/a\.yaml too"):
        registries_d_yaml(stores, {"/d/a.yaml": "docker:\n  r.io:\n    lookaside: https://s.io\n"})
    with pytest.raises(AnsibleFilterError, match=r"/d/a\.yaml"):
        registries_d_yaml(stores, {"/d/a.yaml": "docker: ["})
