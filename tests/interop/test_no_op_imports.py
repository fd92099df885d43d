# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pull of what is there loads neither what fetches nor what judges signatures; Python's own list of imports is the judge.

There is no clock here: what is not imported costs nothing on any machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab.modules import ModuleResult, run_module
from lab.registry import Registry
from lab.stores import Store

_IMPORT = re.compile(r"^import time: +\d+ \| +\d+ \| +(\S+)$", re.MULTILINE)
_ENGINE = "ansible_collections.strata.containers.plugins.module_utils."

NETWORK = ("urllib3", "ssl", "http.client", "urllib.request")
NETWORK_ROOMS = ("_registry", "_transport", "_config.registries_conf", "_config.credentials")
UNPACKING = (
    "_host.zygote",
    "_host.zygote_client",
    "_storage.unpacker",
    "_storage.unpack_tasks",
    "_storage.commit",
    "_engine.stage",
)
DRIVER = ("_storage.overlay", "_host.mounts", "_layer")
SIGNATURES = (
    *("_trust.requirement_signed_by", "_trust.requirement_sigstore_signed", "_trust.openpgp", "_trust.asymmetric"),
    *("_trust.sigstore_signature", "_trust.x509_certificate", "_host.gpg", "_registry.attachments"),
)
OLD_FORMATS = ("_model.schema1_parser", "_model.schema1_convert", "_engine.schema1")

Pull = Callable[..., ModuleResult]


@pytest.fixture
def store(make_store: Callable[[str], Store]) -> Store:
    return make_store("store")


@pytest.fixture
def pull(store: Store, pull_options: dict[str, Any], registry: Registry) -> Pull:
    def run_pull(**options: Any) -> ModuleResult:
        arguments = {**store.module_options(), **pull_options, "name": registry.reference("odd:1"), **options}
        done = run_module("image_pull", arguments, env={"PYTHONPROFILEIMPORTTIME": "1"})
        assert not done.failed, done.text
        return done

    return run_pull


def imported(done: ModuleResult) -> set[str]:
    """What the process imported; files of the engine by their name below ``module_utils``, and their rooms."""
    return {name[len(_ENGINE) :] if name.startswith(_ENGINE) else name for name in _IMPORT.findall(done.text)}


def test_a_present_image_needs_no_network_and_no_policy(pull: Pull) -> None:
    first = imported(pull())
    # What a real pull loads, the list shows: an empty list would prove nothing.
    assert first.issuperset((*NETWORK, *NETWORK_ROOMS, *UNPACKING, *DRIVER, "_trust")), "the list is not what it seems"
    again = pull(pull="missing")
    assert not again.changed
    for name in (*NETWORK, *NETWORK_ROOMS, *UNPACKING, *DRIVER, *SIGNATURES, *OLD_FORMATS, "_trust"):
        assert name not in imported(again), name


def test_an_unchanged_tag_needs_no_unpacker_and_no_signatures(pull: Pull, tmp_path: Path) -> None:
    pull()
    again = pull(pull="always")
    assert not again.changed
    assert imported(again).issuperset((*NETWORK, *NETWORK_ROOMS, "_trust.judge"))
    for name in (*UNPACKING, *DRIVER, *SIGNATURES, *OLD_FORMATS):
        assert name not in imported(again), name
    # One scope that wants signatures of other images has its requirement parsed, and nothing verified.
    policy = {
        "default": [{"type": "insecureAcceptAnything"}],
        "transports": {"docker": {"example.com": [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/none"}]}},
    }
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(policy), encoding="utf-8")
    judged = imported(pull(pull="always", signature_policy=str(path)))
    assert "_trust.requirement_signed_by" in judged
    assert not judged.intersection(("_host.gpg", "_trust.asymmetric", "_trust.requirement_sigstore_signed"))


def test_facts_of_an_image_need_no_files_about_registries(pull: Pull, store: Store) -> None:
    image = pull()["image"]
    arguments = {**store.module_options(), "name": image["names"]}
    done = run_module("image_info", arguments, env={"PYTHONPROFILEIMPORTTIME": "1"})
    assert done["images"][0]["id"] == image["id"], done.text
    names = imported(done)
    assert "_engine.inspect" in names
    for name in (*NETWORK, "_config.registries_conf", "_config.short_names", *OLD_FORMATS, *DRIVER):
        assert name not in names, name
