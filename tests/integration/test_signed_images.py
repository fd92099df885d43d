# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signed images through ansible-playbook: skopeo signs and pushes, image_pull lets them in, image_verify judges them again."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from lab.access_log import Watch
from lab.fixtures import push
from lab.gpg_keys import running_signer
from lab.odd_images import GZIP, Entry, ImageLayout, make_tar
from lab.playbook import PlaybookRunner
from lab.registry import Registry, running_registry
from lab.stores import Store
from lab.trees import snapshot


@pytest.fixture(scope="module")
def signed_registry(judges: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A registry with ``team/signed:1`` and ``team/unsigned:1``, and the files by which the first is trusted."""
    directory = tmp_path_factory.mktemp("signed")
    with running_registry(str(directory / "registry")) as registry, running_signer() as signer:
        key = signer.make_key("release")
        (directory / "release.gpg").write_bytes(signer.public(key))
        (directory / "registries.d").mkdir()
        places = {"docker": {registry.host: {"lookaside": f"file://{directory}/sigs"}}}
        (directory / "registries.d" / "tests.yaml").write_text(json.dumps(places), encoding="utf-8")
        trusted = {"type": "signedBy", "keyType": "GPGKeys", "keyPath": str(directory / "release.gpg")}
        scopes = {f"{registry.host}/team": [trusted]}
        policy = {"default": [{"type": "reject"}], "transports": {"docker": scopes}}
        (directory / "policy.json").write_text(json.dumps(policy), encoding="utf-8")
        layout = ImageLayout(str(directory / "layout"))
        for name in ("signed", "unsigned"):
            layout.add_image(name, [(gzip.compress(make_tar([Entry(name)]), mtime=0), GZIP)])
        push(layout, "unsigned", registry.reference("team/unsigned:1"))
        _push_signed(layout, registry, directory, key, signer.environment())
        options = {
            "signature_policy": str(directory / "policy.json"),
            "registries_d": str(directory / "registries.d"),
            "validate_certs": False,
        }
        lookaside = places["docker"][registry.host]["lookaside"]
        yield SimpleNamespace(registry=registry, key=key, options=options, lookaside=lookaside)


def _push_signed(
    layout: ImageLayout, registry: Registry, directory: Path, key: str, environment: dict[str, str]
) -> None:
    command = ["skopeo", "--insecure-policy", "--registries.d", str(directory / "registries.d"), "copy"]
    command += ["--dest-tls-verify=false", "--sign-by", key, f"oci:{layout.directory}:signed"]
    subprocess.run(
        [*command, f"docker://{registry.reference('team/signed:1')}"],
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
    )


def test_signed_images_are_let_in_and_others_are_not(
    signed_registry: SimpleNamespace, make_store: Callable[[str], Store], tmp_path: Path
) -> None:
    store = make_store("store")
    play = PlaybookRunner(tmp_path)
    options = {**store.module_options(), **signed_registry.options}
    signed = signed_registry.registry.reference("team/signed:1")
    unsigned = signed_registry.registry.reference("team/unsigned:1")

    def task(title: str, module: str, **more: Any) -> dict[str, Any]:
        return {"name": title, f"strata.containers.{module}": {**options, **more}}

    foretold = play([task("foretell", "image_pull", name=signed)], check=True)
    assert foretold.changed and not os.path.exists(store.root), foretold.stdout
    done = play(
        [
            task("pull", "image_pull", name=signed),
            task("again", "image_pull", name=signed),
            task("stored", "image_verify", name=signed, require_signed=True),
            task("remote", "image_verify", name=[signed, unsigned], source="registry", fail_on_refusal=False),
        ],
        verbosity=3,
    )
    assert done.rc == 0, done.stdout
    signer = {"requirement": "signedBy", "signer": f"OpenPGP key {signed_registry.key}"}
    image = done.result("pull")["image"]
    assert image["verified"] == [signer] and image["accepted_by"].startswith("signedBy (transports.docker[")
    assert done.changed_tasks == ["pull"]
    found = [step["finding"] for step in done.result("pull")["steps"] if step["action"] == "considered"]
    assert any(signed_registry.key in text for text in found), found
    assert done.result("stored")["image"]["verified"] == [signer]
    assert [entry["code"] for entry in done.result("remote")["images"]] == ["accepted", "signature_missing"]
    assert not done.result("remote")["accepted"]
    # podman finds the image, and it is the one that was signed.
    (inspected,) = store.podman_json("image", "inspect", signed)
    assert inspected["Digest"] == image["digest"]

    before, watch = snapshot(os.path.join(store.root, "overlay-images")), Watch(signed_registry.registry)
    refused = play([task("pull", "image_pull", name=unsigned)])
    assert refused.rc != 0 and not refused.changed
    error = refused.result("pull")["error"]
    assert error["code"] == "signature_missing"
    # Who reads this wants to know where signatures were looked for, and which line of which file wants them.
    assert f"looked in {signed_registry.lookaside}, not in attachments" in error["message"], error
    place = f'transports.docker["{signed_registry.registry.host}/team"] in {options["signature_policy"]}'
    assert f"[signedBy of {place}]" in error["message"], error
    assert "Traceback" not in refused.stdout
    asked = watch.seen()
    assert "GET /v2/team/unsigned/manifests/1" in asked and not [line for line in asked if "/blobs/" in line]
    assert snapshot(os.path.join(store.root, "overlay-images")) == before
