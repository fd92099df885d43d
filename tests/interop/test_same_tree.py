# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image that we pulled and the same image pulled by podman are the same tree and the same record."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from lab.fixtures import ACCEPT_ALL, scratch_stores
from lab.modules import run_module
from lab.registry import Registry
from lab.stores import Store
from lab.trees import describe_tree, differences

# Directories that no entry of their layer names: storage makes them on the way, at the time of the pull.
_MADE_ON_THE_WAY = {
    "base:1": frozenset({"."}),
    "odd:1": frozenset(
        {
            ".",
            "bin",
            "no",
            "no/parents",
            "no/parents/named",
            "times",
            "owners",
            "doomed",
            "hidden/sub",
            f"ustar/{'p' * 90}",
        }
    ),
    "zstd:1": frozenset({".", "zstd"}),
    "multi:1": frozenset({"."}),
}


def _made_on_the_way(image: str, entries: dict[str, dict[str, Any]]) -> frozenset[str]:
    """Also the chain of directories of the long name, which is too long to spell."""
    long_chain = {path for path in entries if path == "very" or path.startswith("very/long-directory-name")}
    return _MADE_ON_THE_WAY[image] | {path for path in long_chain if "file-with" not in path}


@pytest.fixture(scope="module")
def pulled(
    registry: Registry, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[tuple[Store, Store, str]]:
    """An image in a store of ours and in one of podman's; all tests of the image look at the same two."""
    image = registry.reference(request.param)
    policy = tmp_path_factory.mktemp("policy") / "policy.json"
    policy.write_text(json.dumps(ACCEPT_ALL), encoding="utf-8")
    options = {"signature_policy": str(policy), "validate_certs": False}
    with scratch_stores() as make_store:
        ours, theirs = make_store("ours"), make_store("theirs")
        result = run_module("image_pull", {**ours.module_options(), **options, "name": image})
        assert not result.failed, result.text
        theirs.podman("pull", "--quiet", "--tls-verify=false", image)
        yield ours, theirs, image


@pytest.mark.parametrize("pulled", ["base:1", "odd:1", "zstd:1", "multi:1"], indirect=True)
def test_tree_equals_that_of_podmans_own_pull(pulled: tuple[Store, Store, str]) -> None:
    ours, theirs, image = pulled
    trees = []
    for store in (theirs, ours):
        mount = store.podman("image", "mount", image)
        trees.append(describe_tree(mount))
        store.podman("image", "umount", image)
    untimed = _made_on_the_way(image.rpartition("/")[2], trees[0])
    for tree in trees:
        for path in untimed & tree.keys():
            tree[path]["mtime_ns"] = None
    assert "\n".join(differences(trees[0], trees[1])) == ""


@pytest.mark.parametrize("pulled", ["base:1", "odd:1", "zstd:1", "multi:1"], indirect=True)
def test_podman_inspects_both_alike(pulled: tuple[Store, Store, str]) -> None:
    ours, theirs, image = pulled
    records = []
    for store in (theirs, ours):
        (record,) = store.podman_json("image", "inspect", image)
        for key, value in record["GraphDriver"]["Data"].items():
            record["GraphDriver"]["Data"][key] = value.replace(store.base, "")
        records.append(record)
    assert records[0] == records[1]


@pytest.mark.parametrize("pulled", ["base:1"], indirect=True)
def test_the_real_image_is_what_the_test_needs(pulled: tuple[Store, Store, str]) -> None:
    """At least 6,000 files, hard links, symbolic links, setuid files, a capability, and layers that delete and replace."""
    ours, _theirs, image = pulled
    mount = ours.podman("image", "mount", image)
    tree = describe_tree(mount)
    ours.podman("image", "umount", image)
    regular = [entry for entry in tree.values() if "sha256" in entry]
    assert len(tree) >= 6000
    assert any(entry["links"] > 1 for entry in regular)
    assert any("target" in entry for entry in tree.values())
    assert any(int(entry["mode"], 8) & 0o4000 for entry in regular)
    assert "security.capability" in tree["usr/bin/netprobe"]["xattrs"]
    assert "usr/share/doc" not in tree and "usr/share/info/new" in tree


def test_info_agrees_with_podman_inspect(
    registry: Registry, make_store: Callable[[str], Store], pull_options: dict[str, Any]
) -> None:
    store = make_store("store")
    for name in ("base:1", "multi:1"):
        image = registry.reference(name)
        assert not run_module("image_pull", {**store.module_options(), **pull_options, "name": image}).failed
        (found,) = run_module("image_info", {**store.module_options(), "name": [image]})["images"]
        (record,) = store.podman_json("image", "inspect", image)
        assert found["id"] == record["Id"]
        assert found["digest"] == record["Digest"]
        assert found["names"] == record["RepoTags"]
        assert found["size"] == record["Size"]
        assert [layer["diff_id"] for layer in found["layers"]] == record["RootFS"]["Layers"]
        assert found["platform"].split("/")[:2] == [record["Os"], record["Architecture"]]
