# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters of the role host_config: what they write, and every fault that they refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.strata.containers.plugins.filter.policy_json import policy_json
from ansible_collections.strata.containers.plugins.filter.registries_toml import registries_toml
from ansible_collections.strata.containers.plugins.filter.storage_toml import storage_toml
from ansible_collections.strata.containers.plugins.filter.store_left_behind import store_left_behind
from ansible_collections.strata.containers.plugins.plugin_utils._toml import read_toml

ACCEPT = {"type": "insecureAcceptAnything"}
SIGSTORE = {"type": "sigstoreSigned"}
FULCIO = {"caPath": "/ca.pem", "oidcIssuer": "https://issuer.example.com", "subjectEmail": "a@example.com"}
PKI = {"caRootsPath": "/roots.pem", "subjectEmail": "a@example.com"}


def requirement(**fields: Any) -> dict[str, Any]:
    return {"default": [fields]}


# From the schema table of containers-policy.json(5).
POLICIES: dict[str, dict[str, Any]] = {
    "accept": {"default": [ACCEPT]},
    "reject": {"default": [{"type": "reject"}]},
    "several": {"default": [ACCEPT, {"type": "reject"}]},
    "scopes": {
        "default": [ACCEPT],
        "transports": {"docker": {"": [ACCEPT], "registry.example.com": [ACCEPT]}, "oci": {}},
    },
    "unknown transport": {"default": [ACCEPT], "transports": {"pigeon": {"coop": [ACCEPT]}}},
    "signedBy": requirement(type="signedBy", keyType="GPGKeys", keyPath="/key.gpg"),
    "signedBy, several keys": requirement(type="signedBy", keyType="GPGKeys", keyPaths=["/a", "/b"]),
    "identity": requirement(
        type="signedBy",
        keyType="GPGKeys",
        keyData="QUJD",
        signedIdentity={"type": "remapIdentity", "prefix": "mirror.example.com", "signedPrefix": "example.com"},
    ),
    "sigstore": requirement(**SIGSTORE, keyPath="/key.pem", signedIdentity={"type": "matchRepository"}),
    "sigstore with rekor": requirement(**SIGSTORE, keyDatas=["QUJD"], rekorPublicKeyPaths=["/rekor.pem"]),
    "fulcio": requirement(**SIGSTORE, fulcio=FULCIO, rekorPublicKeyPath="/rekor.pem"),
    "pki": requirement(**SIGSTORE, pki=PKI),
}

WRONG_POLICIES: dict[str, tuple[Any, str]] = {
    "no object": ([], "is not of type 'object'"),
    "no default": ({"transports": {}}, "'default' is a required property"),
    "no requirement": ({"default": []}, "default"),
    "unknown key": ({"default": [ACCEPT], "defaults": []}, "defaults"),
    "unknown type": (requirement(type="trustMe"), "trustMe"),
    "case of the type": (requirement(type="Reject"), "Reject"),
    "no type": (requirement(), "type"),
    "further key": (requirement(type="reject", reason="x"), "reason"),
    "empty scope list": ({"default": [ACCEPT], "transports": {"docker": {"h": []}}}, "transports"),
    "null": ({"default": [ACCEPT], "transports": None}, "transports"),
    "scope of a directory": ({"default": [ACCEPT], "transports": {"dir": {"relative": [ACCEPT]}}}, "relative"),
    "no key": (requirement(type="signedBy", keyType="GPGKeys"), "key"),
    "two keys": (requirement(type="signedBy", keyType="GPGKeys", keyPath="/a", keyData="QUJD"), "key"),
    "no key type": (requirement(type="signedBy", keyPath="/a"), "keyType"),
    "unknown key type": (requirement(type="signedBy", keyType="PGP", keyPath="/a"), "PGP"),
    "unknown identity": (
        requirement(type="signedBy", keyType="GPGKeys", keyPath="/a", signedIdentity={"type": "any"}),
        "signedIdentity",
    ),
    "no sigstore key": (requirement(**SIGSTORE), "key"),
    "fulcio without rekor": (requirement(**SIGSTORE, fulcio=FULCIO), "rekor"),
    "pki with rekor": (requirement(**SIGSTORE, pki=PKI, rekorPublicKeyPath="/r"), "rekor"),
    "two rekor keys": (
        requirement(**SIGSTORE, keyPath="/k", rekorPublicKeyPath="/r", rekorPublicKeyData="QUJD"),
        "rekor",
    ),
}


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_is_written_as_it_is(name: str) -> None:
    text = policy_json(POLICIES[name])
    assert json.loads(text) == POLICIES[name]
    assert text.endswith("}\n")


@pytest.mark.parametrize("name", WRONG_POLICIES)
def test_a_wrong_policy_is_refused(name: str) -> None:
    policy, word = WRONG_POLICIES[name]
    with pytest.raises(AnsibleFilterError, match=word):
        policy_json(policy)


def test_the_place_of_a_fault_is_named() -> None:
    scopes = {"docker": {"h": [ACCEPT, {"type": "trustMe"}]}}
    with pytest.raises(AnsibleFilterError, match=r"policy\['transports'\]\['docker'\]\['h'\]\[1\]\['type'\].*trustMe"):
        policy_json({"default": [ACCEPT], "transports": scopes})


def test_a_scope_that_ansible_left_as_a_template_is_refused() -> None:
    scopes = {"docker": {"{{ registry }}/team": [ACCEPT]}}
    with pytest.raises(AnsibleFilterError, match=r"\['docker'\]: the scope '\{\{ registry \}\}/team' is a template"):
        policy_json({"default": [ACCEPT], "transports": scopes})


def test_storage_leaves_out_what_is_empty() -> None:
    text = storage_toml({"driver": "overlay", "graphroot": "", "runroot": "", "mountopt": "", "options": {}})
    assert read_toml(text) == {"storage": {"driver": "overlay"}}


@pytest.mark.parametrize("driver", ["vfs", "btrfs"])
def test_storage_without_mounts_has_no_options_for_them(driver: str) -> None:
    assert read_toml(storage_toml({"driver": driver, "mountopt": "nodev"})) == {"storage": {"driver": driver}}


def test_options_of_storage_come_before_the_other_variables() -> None:
    settings = {
        "driver": "overlay",
        "graphroot": "/srv/containers",
        "mountopt": "nodev",
        "additional_image_stores": ["/a"],
        "options": {
            "overlay": {"mountopt": "nosuid", "sync": "filesystem"},
            "pull_options": {"use_hard_links": "true"},
        },
    }
    assert read_toml(storage_toml(settings)) == {
        "storage": {
            "driver": "overlay",
            "graphroot": "/srv/containers",
            "options": {
                "additionalimagestores": ["/a"],
                "overlay": {"mountopt": "nosuid", "sync": "filesystem"},
                "pull_options": {"use_hard_links": "true"},
            },
        }
    }


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({}, "driver"),
        ({"driver": "floppy"}, "floppy"),
        ({"driver": "overlay", "graphroot": "containers"}, "graphroot"),
        ({"driver": "overlay", "graph_root": "/a"}, "graph_root"),
        ({"driver": "overlay", "options": {"overlay": {"mountopt": ["nodev"]}}}, "mountopt"),
        ({"driver": "overlay", "options": {"size": 1.5}}, "storage.options.size"),
        ({"driver": "overlay", "options": {"overlay": None}}, "storage.options.overlay"),
    ],
)
def test_wrong_storage_is_refused(settings: dict[str, Any], word: str) -> None:
    with pytest.raises(AnsibleFilterError, match=word):
        storage_toml(settings)


def test_top_level_keys_of_registries_stand_before_the_tables() -> None:
    text = registries_toml(
        {
            "registries": [{"location": "localhost:5000", "insecure": True}],
            "aliases": {"tool": "registry.example.com/tool"},
            "search": ["docker.io"],
            "short_name_mode": "disabled",
        }
    )
    assert text.index("unqualified-search-registries") < text.index("[")
    assert read_toml(text) == {
        "unqualified-search-registries": ["docker.io"],
        "short-name-mode": "disabled",
        "aliases": {"tool": "registry.example.com/tool"},
        "registry": [{"location": "localhost:5000", "insecure": True}],
    }


def test_an_empty_search_list_is_a_setting() -> None:
    assert read_toml(registries_toml({"search": []})) == {"unqualified-search-registries": []}


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"search": "docker.io"}, "search"),
        ({"short_name_mode": "loose"}, "loose"),
        ({"registries": [{"location": "https://registry.example.com"}]}, "URI schemes"),
        ({"registries": [{"prefix": "docker.io"}]}, "location is unset"),
        ({"registries": [{"insecure": True}]}, "both location and prefix are unset"),
        ({"registries": [{"prefix": "*.a.example.com/x"}]}, "Wildcarded prefix"),
        ({"registries": [{"location": "a.example.com", "insecure": "yes"}]}, "insecure"),
        ({"registries": [{"location": "a.example.com", "mirrors": []}]}, "mirrors"),
        ({"aliases": {"tool": "team/tool"}}, "must contain registry and repository"),
        ({"aliases": {"tool:1": "registry.example.com/tool"}}, "must not contain tag"),
        ({"search": ["registry.example.com/team"]}, "Invalid unqualified-search-registries entry"),
        ({"aliases": {"tool": 1}}, "aliases"),
    ],
)
def test_wrong_registries_are_refused(settings: dict[str, Any], word: str) -> None:
    with pytest.raises(AnsibleFilterError, match=word):
        registries_toml(settings)


def conf(root: str = "/old", driver: str = "overlay") -> str:
    return storage_toml({"driver": driver, "graphroot": root})


class TestStoreLeftBehind:
    def test_the_same_store_leaves_nothing(self) -> None:
        assert store_left_behind(conf(), conf())["records"] == []

    def test_another_name_of_overlay_is_the_same_store(self) -> None:
        assert store_left_behind(conf(), '[storage]\ndriver = "overlay2"\ngraphroot = "/old/"\n')["records"] == []

    def test_another_root_leaves_the_old_one(self) -> None:
        left = store_left_behind(conf("/new"), conf())
        assert "/old/overlay-images/images.json" in left["records"]
        assert all(path.startswith("/old/overlay-") for path in left["records"])
        assert (left["found"], left["wanted"]) == ("driver overlay, root /old", "driver overlay, root /new")

    def test_another_driver_leaves_the_old_one(self) -> None:
        records = store_left_behind(conf(driver="vfs"), conf())["records"]
        assert "/old/overlay-layers/layers.json" in records
        assert not [path for path in records if "/vfs" in path]

    def test_no_driver_means_any_but_the_new_one(self) -> None:
        records = store_left_behind(conf(), '[storage]\ngraphroot = "/old"\n')["records"]
        assert "/old/vfs-images/images.json" in records
        assert not [path for path in records if "/overlay" in path]

    @pytest.mark.parametrize("old", ["", "[storage\n"], ids=["no file", "a broken file"])
    def test_without_a_readable_file_the_default_root_counts(self, old: str) -> None:
        assert (
            "/var/lib/containers/storage/overlay-images/images.json" in store_left_behind(conf("/new"), old)["records"]
        )

    def test_a_users_default_root_is_in_the_home_directory(self) -> None:
        records = store_left_behind(conf("/new"), "", home="/home/ann", uid=1000)["records"]
        assert "/home/ann/.local/share/containers/storage/overlay-images/images.json" in records

    def test_what_the_controller_has_says_nothing_of_a_users_store(self, tmp_path: Path) -> None:
        (tmp_path / "overlay").mkdir()
        new, old = conf(str(tmp_path)), f'[storage]\ngraphroot = "{tmp_path}"\n'
        assert (
            f"{tmp_path}/vfs-images/images.json" in store_left_behind(new, old, home="/home/ann", uid=1000)["records"]
        )

    def test_the_home_directory_is_filled_in(self) -> None:
        old = conf("$HOME/store")
        assert store_left_behind(conf("/home/ann/store"), old, home="/home/ann", uid=1000)["records"] == []
