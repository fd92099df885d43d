# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_pull of what the store has already, while the registry stays, moves its tag or is gone; check, do, check, do."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from lab.fixtures import push, scratch_stores
from lab.modules import run_module
from lab.odd_images import GZIP, Entry, ImageLayout, make_tar
from lab.playbook import PlaybookRunner
from lab.recording_server import RecordingServer, registry_of
from lab.registry import Registry
from lab.scenario_rows import FourWays, Row
from lab.stores import Store

MOVING = ("always, moved", "newer, moved", "missing, moved", "never, moved")
# The other rows are done by the module alone.
THROUGH_ANSIBLE = ("always, moved", "missing, moved", "newer, gone")
STAYING = ("always", "newer", "newer, gone", "digest, always", "digest, missing", "other digest")


@pytest.fixture(scope="module")
def lab(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Every row of this file: a first pull, a tag that moves where its name says so, and the four plays of the table."""
    directory: Path = tmp_path_factory.mktemp("again")
    layout = ImageLayout(str(directory / "layout"))
    digests = {}
    for number, name in enumerate(("old", "new")):
        layer = gzip.compress(make_tar([Entry("file", content=name.encode() * 5000)]), mtime=0)
        config = {"Labels": {"number": str(number)}}
        digests[name] = str(layout.add_image(name, [(layer, GZIP)], config=config)["digest"])
    policy = directory / "policy.json"
    policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}', encoding="utf-8")
    play = PlaybookRunner(directory / "ansible")
    options = {"signature_policy": str(policy), "validate_certs": False, "retries": 0}
    first, then = FourWays(play, options), FourWays(play, options)
    with scratch_stores() as make_store:
        stores = {row: make_store(row.replace(", ", "-").replace(" ", "-")) for row in (*MOVING, *STAYING)}
        with RecordingServer(registry_of(layout)) as passing:
            names = {row: _name(registry, row) for row in stores}
            names["newer, gone"] = passing.reference("app:old")
            for row, name in names.items():
                if row != "newer, gone":
                    push(layout, "old", name)
                started = f"{name.rpartition(':')[0]}@{digests['old']}" if "digest" in row else name
                first.add(row, stores[row], name=started, alone=True)
            first.play([False])
        for row in MOVING:
            push(layout, "new", names[row])
        push(layout, "new", names["other digest"])
        before = {row: _listed(store) for row, store in stores.items()}
        for row, name in names.items():
            by_digest = digests["new" if row == "other digest" else "old"]
            name = f"{name.rpartition(':')[0]}@{by_digest}" if "digest" in row else name
            policy_word = row.rpartition(", ")[2] if row.startswith("digest") else row.partition(",")[0]
            pull = "always" if row == "other digest" else policy_word
            then.add(row, stores[row], name=name, pull=pull, alone=row not in THROUGH_ANSIBLE)
        time.sleep(0.2)
        asked = len(registry.requests())
        then.play()
        time.sleep(0.2)
        yield SimpleNamespace(
            first=first,
            rows=then,
            names=names,
            digests=digests,
            before=before,
            after={row: _listed(store) for row, store in stores.items()},
            asked=registry.requests()[asked:],
        )


def _name(registry: Registry, row: str) -> str:
    return registry.reference(f"again/{row.replace(', ', '-').replace(' ', '-')}:1")


def _listed(store: Store) -> dict[str, Any]:
    """The images of a store by digest, as image_info tells them."""
    images = run_module("image_info", store.module_options())["images"]
    return {image["digest"]: image for image in images}


def _asked(lab: SimpleNamespace, row: str) -> list[str]:
    repository = lab.names[row].partition("/")[2].rpartition(":")[0]
    return [line for line in lab.asked if f"/v2/{repository}/" in line]


def test_the_first_pull_brought_every_image(lab: SimpleNamespace) -> None:
    """Without this, the tests below could pass for want of anything to do."""
    for row in (*MOVING, *STAYING):
        (result,) = lab.first[row].results
        assert result["_status"] == "ok" and result["changed"], result
        assert list(lab.before[row]) == [lab.digests["old"]]


@pytest.mark.parametrize("row", ["always", "newer"])
def test_a_tag_that_did_not_move_is_asked_for_and_left_alone(lab: SimpleNamespace, row: str) -> None:
    lab.rows[row].check_unchanged()
    assert lab.rows[row].done["image"]["digest"] == lab.digests["old"]
    assert _asked(lab, row) and not [line for line in _asked(lab, row) if "/blobs/" in line]


@pytest.mark.parametrize("row", ["always, moved", "newer, moved"])
def test_a_tag_that_moved_takes_its_name_away_from_the_old_image_which_stays(lab: SimpleNamespace, row: str) -> None:
    played: Row = lab.rows[row]
    played.check_pulled_once()
    old, new = lab.digests["old"], lab.digests["new"]
    assert [result["image"]["digest"] for result in played.results] == [new] * 4
    after = lab.after[row]
    assert after[new]["names"] == [lab.names[row]] and after[old]["names"] == []
    assert after[old]["id"] == lab.before[row][old]["id"]
    listed = played.store.podman_json("images", "--all", "--format", "json")
    assert {entry["Digest"]: entry.get("Names") for entry in listed} == {new: [lab.names[row]], old: None}


def test_the_difference_has_the_ids_that_image_info_has_before_and_after(lab: SimpleNamespace) -> None:
    row, name = "always, moved", lab.names["always, moved"]
    old, new = lab.before[row][lab.digests["old"]], lab.after[row][lab.digests["new"]]
    diff = {"before": {name: old["id"]}, "after": {name: new["id"]}}
    assert [result["diff"] for result in lab.rows[row].results[:2]] == [diff, diff]
    settled = {"before": {name: new["id"]}, "after": {name: new["id"]}}
    assert [result["diff"] for result in lab.rows[row].results[2:]] == [settled, settled]


@pytest.mark.parametrize("row", ["missing, moved", "never, moved"])
def test_a_present_image_is_enough_and_the_registry_is_not_contacted(lab: SimpleNamespace, row: str) -> None:
    lab.rows[row].check_unchanged()
    assert lab.rows[row].done["image"]["digest"] == lab.digests["old"]
    assert lab.rows[row].done["image"]["source"] is None
    assert _asked(lab, row) == []


@pytest.mark.parametrize("row", ["digest, always", "digest, missing"])
def test_a_present_digest_is_not_asked_for(lab: SimpleNamespace, row: str) -> None:
    lab.rows[row].check_unchanged()
    assert _asked(lab, row) == []


def test_another_digest_of_the_same_repository_comes_beside_the_first(lab: SimpleNamespace) -> None:
    played: Row = lab.rows["other digest"]
    played.check_pulled_once()
    repository = lab.names["other digest"].rpartition(":")[0]
    after = lab.after["other digest"]
    assert {digest: image["names"] for digest, image in after.items()} == {
        digest: [f"{repository}@{digest}"] for digest in lab.digests.values()
    }
    assert len(played.store.podman("images", "--quiet").splitlines()) == 2


def test_newer_keeps_what_is_present_with_a_warning_where_the_registry_is_gone(lab: SimpleNamespace) -> None:
    played: Row = lab.rows["newer, gone"]
    played.check_unchanged()
    for result in played.results:
        assert len(result["warnings"]) == 1 and "could not be asked" in result["warnings"][0], result
        assert lab.names["newer, gone"] in result["warnings"][0]
