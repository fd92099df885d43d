# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import DataError
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._model.image_config import (
    InvalidImageConfig,
    parse_image_config,
)
from ansible_collections.strata.containers.plugins.module_utils._model.platform import Platform
from hypothesis import given
from hypothesis import strategies as st

CONFIG: dict[str, Any] = {
    "created": "2015-10-31T22:22:56.015925234Z",
    "architecture": "arm64",
    "os": "linux",
    "variant": "v8",
    "config": {"User": "alice", "Env": ["PATH=/usr/bin"], "Labels": {"com.example.version": "1.0"}},
    "rootfs": {"type": "layers", "diff_ids": [f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"]},
    "history": [{"created_by": "ADD file"}, {"created_by": "CMD sh", "empty_layer": True}],
}


def encoded(**changes: Any) -> bytes:
    return json.dumps({**CONFIG, **changes}).encode()


def test_a_config_is_read_beside_its_bytes() -> None:
    raw = encoded()
    config = parse_image_config(raw)
    assert config.raw is raw
    assert config.platform == Platform("linux", "arm64", "v8")
    assert config.created == "2015-10-31T22:22:56.015925234Z"
    assert config.diff_ids == (Digest("sha256", "a" * 64), Digest("sha256", "b" * 64))
    assert config.labels == {"com.example.version": "1.0"}
    assert config.history == ({"created_by": "ADD file"}, {"created_by": "CMD sh", "empty_layer": True})
    assert config.config == CONFIG["config"]


def test_an_empty_config_has_nothing() -> None:
    for raw in (
        b"{}",
        json.dumps(dict.fromkeys(CONFIG)).encode(),
        b'{"config":{"Labels":null},"rootfs":{"diff_ids":null}}',
    ):
        config = parse_image_config(raw)
        assert config.platform == Platform("", "")
        assert config.created == ""
        assert config.diff_ids == () and config.history == ()
        assert config.labels == {}


def test_unknown_fields_and_the_keys_of_other_tools_are_fine() -> None:
    raw = encoded(
        container="x", container_config={"Cmd": ["sh"]}, docker_version="1.6", **{"os.version": "1", "os.features": []}
    )
    assert parse_image_config(raw).platform.os == "linux"


def test_a_time_keeps_its_offset_and_its_nanoseconds() -> None:
    assert parse_image_config(encoded(created="2026-01-02T03:04:05.123456789+02:00")).created.endswith("789+02:00")


# name: what changes, where the error points
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a time that is no time": ({"created": "yesterday"}, "created"),
    "an empty time": ({"created": ""}, "created"),
    "a time as a number": ({"created": 1446330176}, "created"),
    "an architecture that is no text": ({"architecture": 386}, "architecture"),
    "a system that is no text": ({"os": ["linux"]}, "os"),
    "labels that are no map": ({"config": {"Labels": ["a=b"]}}, "config: Labels"),
    "a label that is no text": ({"config": {"Labels": {"a": 1}}}, "config: Labels.a"),
    "a config that is no object": ({"config": []}, "config"),
    "a root file system that is no object": ({"rootfs": "layers"}, "rootfs"),
    "diff IDs that are no list": ({"rootfs": {"diff_ids": "sha256:" + "a" * 64}}, "rootfs: diff_ids"),
    "a diff ID that is no text": ({"rootfs": {"diff_ids": [None]}}, "rootfs: diff_ids[0]"),
    "a diff ID that is no digest": ({"rootfs": {"diff_ids": ["sha256:abc"]}}, "rootfs: diff_ids[0]"),
    "history that is no list": ({"history": {}}, "history"),
    "history of something else": ({"history": [{}, "x"]}, "history[1]"),
    "a root file system spelt twice": ({"RootFS": {"diff_ids": []}}, "RootFS"),
    "diff IDs spelt twice": ({"rootfs": {"diff_ids": [], "Diff_IDs": []}}, "rootfs: Diff_IDs"),
    "a system spelt twice": ({"OS": "windows"}, "OS"),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_a_config_that_go_would_not_read_or_read_differently_is_refused(case: str) -> None:
    changes, place = REFUSED[case]
    raw = encoded(**changes)
    with pytest.raises(InvalidImageConfig) as caught:
        parse_image_config(raw)
    assert caught.value.code == "invalid_image_config"
    assert caught.value.subject == f"image config {Digest.of(raw)}: {place}"


@pytest.mark.parametrize("raw", [b"[]", b"null", b'"x"', b"1"])
def test_a_config_is_an_object(raw: bytes) -> None:
    with pytest.raises(InvalidImageConfig):
        parse_image_config(raw)


@pytest.mark.parametrize("raw", [b"", b"\x1f\x8b\x08", b'{"os":"linux","os":"windows"}', b"{} x"])
def test_what_is_no_strict_json_is_refused(raw: bytes) -> None:
    with pytest.raises(DataError) as caught:
        parse_image_config(raw)
    assert caught.value.code == "invalid_json"


JUNK = st.sampled_from([None, 0, "", "x", [], [1], {}, {"Labels": 1}, {"diff_ids": [1]}, *CONFIG.values()])


@given(st.dictionaries(st.sampled_from([*CONFIG, "Config", "x"]), JUNK))
def test_any_document_is_a_config_or_an_error_of_ours(document: dict[str, Any]) -> None:
    try:
        config = parse_image_config(json.dumps(document).encode())
    except InvalidImageConfig:
        return
    assert all(isinstance(label, str) for label in config.labels.values())
