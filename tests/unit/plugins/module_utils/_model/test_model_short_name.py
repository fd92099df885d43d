# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.reference import (
    ImageIdGiven,
    InvalidReference,
    parse_reference,
)
from ansible_collections.strata.containers.plugins.module_utils._model.short_name import ShortName, parse_short_name

DIGEST = "sha256:" + "a" * 64


# A name is short when its first component has neither a dot nor a colon and is not localhost, or is its only one.
@pytest.mark.parametrize(
    ("text", "path", "rest"),
    [
        ("app", "app", ""),
        ("app:1", "app", ":1"),
        ("team/app:1", "team/app", ":1"),
        ("library/app", "library/app", ""),
        (f"app@{DIGEST}", "app", f"@{DIGEST}"),
        (f"app:1@{DIGEST}", "app", f"@{DIGEST}"),
        ("localhost", "localhost", ""),
        ("localhost:5000", "localhost", ":5000"),
        ("quay.io", "quay.io", ""),
        ("quay.io:5000", "quay.io", ":5000"),
        ("team/a.b/c", "team/a.b/c", ""),
    ],
)
def test_a_name_without_a_registry_is_short(text: str, path: str, rest: str) -> None:
    name = parse_short_name(text)
    assert name is not None and (name.path, str(name)) == (path, path + rest)


@pytest.mark.parametrize(
    "text", ["quay.io/app", "localhost/app", "host:5000/app:1", "docker.io/app", "EXAMPLE.com/app"]
)
def test_a_name_with_a_registry_is_not(text: str) -> None:
    assert parse_short_name(text) is None


@pytest.mark.parametrize("text", ["", "App", "a//b", "-a", "app:", f"app@{DIGEST}x"])
def test_what_is_no_name_is_no_short_one(text: str) -> None:
    with pytest.raises(InvalidReference):
        parse_short_name(text)


def test_an_image_id_is_no_name() -> None:
    with pytest.raises(ImageIdGiven):
        parse_short_name("a" * 64)


@pytest.mark.parametrize(
    ("full", "ends"),
    [
        ("quay.io/deep/app:1", True),
        ("quay.io/very/deep/app:2", True),
        ("quay.io/app:1", False),
        ("quay.io/eep/app:1", False),
        ("quay.io/deep/app/x:1", False),
    ],
)
def test_a_full_name_ends_in_a_short_one_at_a_slash(full: str, ends: bool) -> None:
    assert ShortName("deep/app").ends(parse_reference(full)) is ends
