# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""skopeo and we ask a policy for the same scopes, in the same order, of images that come from no registry."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.reference import parse_reference
from ansible_collections.strata.containers.plugins.module_utils._trust.judge import judge
from ansible_collections.strata.containers.plugins.module_utils._trust.policy import parse_policy
from ansible_collections.strata.containers.plugins.module_utils._trust.scope import (
    nameless_scopes,
    path_scopes,
    storage_scopes,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.policy_cases import ACCEPT, REJECT
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.subjects import NO_TOOLS, subject
from lab.commands import run
from lab.fixtures import scratch_stores
from lab.odd_images import GZIP, Entry, ImageLayout, make_tar

NAME = "reg.example.com:5000/ns/app:v1"


@dataclass(frozen=True)
class Place:
    """An image somewhere: how skopeo names it, our scopes of it, and scopes that are near misses."""

    transport: str
    source: str
    scopes: Sequence[str]
    others: Sequence[str] = ()


@pytest.fixture(scope="module")
def places(judges: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Place]]:
    base = tmp_path_factory.mktemp("places")
    layout = ImageLayout(str(base / "sub/layout"))
    layout.add_image("app", [(gzip.compress(make_tar([Entry("file")]), mtime=0), GZIP)])
    source = f"oci:{layout.directory}:app"
    (base / "link").symlink_to(base / "sub")
    with scratch_stores() as make_store:
        store = make_store("store")
        for target in (f"dir:{base}/sub/dir", f"docker-archive:{base}/a.tar:{NAME}", f"oci-archive:{base}/o.tar:app"):
            run(["skopeo", "--insecure-policy", "copy", source, target])
        run(["skopeo", "--insecure-policy", "copy", source, store.bracket + NAME])
        image_id = store.podman("images", "--quiet", "--no-trunc").partition(":")[2]
        reference = parse_reference(NAME)
        outside = [str(base.parent / "x"), f"{base}/su", f"{base}/link"]
        yield {
            "dir": Place("dir", f"dir:{base}/sub/dir", path_scopes(f"{base}/sub/dir"), outside),
            "dir by a link": Place("dir", f"dir:{base}/link/dir", path_scopes(f"{base}/sub/dir"), outside),
            "oci": Place("oci", source, path_scopes(layout.directory), outside),
            "oci-archive": Place("oci-archive", f"oci-archive:{base}/o.tar", path_scopes(f"{base}/o.tar"), outside),
            "docker-archive": Place("docker-archive", f"docker-archive:{base}/a.tar", nameless_scopes()),
            "containers-storage": Place(
                "containers-storage",
                store.bracket + NAME,
                storage_scopes("overlay", store.root, reference, image_id),
                [f"[overlay@{store.root}]@{image_id}", f"[vfs@{store.root}]", "[/x]", f"[{store.root}]{NAME}"],
            ),
            "containers-storage by ID": Place(
                "containers-storage",
                f"{store.bracket}@{image_id}",
                storage_scopes("overlay", store.root, None, image_id),
                [f"[overlay@{store.root}]{NAME}", f"[overlay@{store.root}]reg.example.com:5000"],
            ),
        }


NAMES = [
    "dir",
    "dir by a link",
    "oci",
    "oci-archive",
    "docker-archive",
    "containers-storage",
    "containers-storage by ID",
]


def both(place: Place, accepted: Sequence[str], rejected: Sequence[str], directory: Path) -> bool:
    """Whether the image is let in where these scopes are accepted and these rejected, as are all others."""
    scopes = {**{scope: [ACCEPT] for scope in accepted}, **{scope: [REJECT] for scope in rejected}}
    text = json.dumps({"default": [REJECT], "transports": {place.transport: scopes}})
    path = directory / "policy.json"
    path.write_text(text, encoding="utf-8")
    command = ["skopeo", "--policy", str(path), "copy", place.source, f"dir:{directory}/copy"]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 0 or "Source image rejected" in done.stderr, done.stderr
    policy = parse_policy(text.encode(), "policy.json")
    ours = judge(policy, place.transport, place.scopes, subject(NAME), NO_TOOLS).accepted
    assert ours is (done.returncode == 0), f"{scopes}: {done.stderr}"
    return ours


@pytest.mark.parametrize("name", NAMES)
def test_each_scope_speaks_of_the_image_and_no_other_does(places: dict[str, Place], tmp_path: Path, name: str) -> None:
    place = places[name]
    for number, scope in enumerate(place.scopes):
        # The one before it wins, and those behind it do not count.
        assert both(place, [scope], place.scopes[number + 1 :], tmp_path)
        assert not both(place, place.scopes[number + 1 :], [scope], tmp_path)
    assert not both(place, place.others, (), tmp_path)
