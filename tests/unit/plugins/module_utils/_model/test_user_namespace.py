# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import UsageError
from ansible_collections.strata.containers.plugins.module_utils._model.id_map import IdMap, IdMaps
from ansible_collections.strata.containers.plugins.module_utils._model.user_namespace import (
    AutoUserNamespace,
    parse_user_namespace,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("host", None),
        ("auto", AutoUserNamespace()),
        ("auto:size=4096", AutoUserNamespace(4096)),
        (
            "auto:size=10,uidmapping=0:7:1,uidmapping=1:8:1,gidmapping=5:9:2",
            AutoUserNamespace(10, IdMaps((IdMap(0, 7, 1), IdMap(1, 8, 1)), (IdMap(5, 9, 2),))),
        ),
    ],
)
def test_namespaces_are_spelled_as_for_podman(text: str, expected: AutoUserNamespace | None) -> None:
    assert parse_user_namespace(text) == expected
    if expected is not None:
        assert str(expected) == text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "invalid_userns"),
        ("keep-id", "invalid_userns"),
        ("auto:", "invalid_userns"),
        ("automatic", "invalid_userns"),
        ("auto:size", "invalid_userns"),
        ("auto:size=0", "invalid_userns"),
        ("auto:size=-1", "invalid_userns"),
        ("auto:size=4294967296", "invalid_userns"),
        ("auto:colour=red", "invalid_userns"),
        ("auto:uidmapping=0:1:0", "invalid_id_map"),
        ("auto:uidmapping=0:1:5,uidmapping=4:9:1", "invalid_id_map"),
    ],
)
def test_others_are_refused(text: str, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_user_namespace(text)
    assert caught.value.code == code
