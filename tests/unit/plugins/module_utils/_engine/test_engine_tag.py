# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._engine.tag import (
    FAIL,
    KEEP,
    MOVE,
    NameTaken,
    TargetHasDigest,
    names_to_give,
    target_names,
)
from ansible_collections.strata.containers.plugins.module_utils._model.reference import ImageIdGiven, InvalidReference
from ansible_collections.strata.containers.plugins.module_utils._storage.records import ImageRecord

DIGEST = "sha256:" + "d" * 64
OWN = ImageRecord.of(id="a" * 64, names=["localhost/own:1"])
OTHER = ImageRecord.of(id="b" * 64, names=["localhost/other:1", "localhost/shared:1"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # What podman 4.3.1 names an image for each of these.
        ("x", "localhost/x:latest"),
        ("a/b", "localhost/a/b:latest"),
        ("docker.io/x", "docker.io/library/x:latest"),
        ("index.docker.io/y", "docker.io/library/y:latest"),
        ("reg:5000/a/b", "reg:5000/a/b:latest"),
        ("7b759ccf482f", "localhost/7b759ccf482f:latest"),
    ],
)
def test_a_target_is_completed_as_podman_completes_it(text: str, expected: str) -> None:
    assert target_names([text]) == [expected]


def test_a_name_in_several_forms_is_given_once() -> None:
    assert target_names(["x", "y", "localhost/x:latest", "x:latest"]) == ["localhost/x:latest", "localhost/y:latest"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (f"x@{DIGEST}", TargetHasDigest),
        (f"x:1@{DIGEST}", TargetHasDigest),
        (DIGEST, TargetHasDigest),
        ("a" * 64, ImageIdGiven),
        ("App", InvalidReference),
        ("docker://x", InvalidReference),
        ("", InvalidReference),
        (" x", InvalidReference),
    ],
)
def test_what_cannot_be_a_name_of_an_image_is_refused(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        target_names(["fine", text])


WANTED = ["localhost/new:1", "localhost/own:1", "localhost/shared:1"]


def test_a_name_of_another_image_moves_or_stays() -> None:
    assert names_to_give([OWN, OTHER], OWN.id, WANTED, MOVE) == ["localhost/new:1", "localhost/shared:1"]
    assert names_to_give([OWN, OTHER], OWN.id, WANTED, KEEP) == ["localhost/new:1"]


def test_a_name_of_another_image_is_an_error_that_names_it() -> None:
    with pytest.raises(NameTaken) as caught:
        names_to_give([OWN, OTHER], OWN.id, WANTED, FAIL)
    assert caught.value.subject == "localhost/shared:1" and caught.value.found == OTHER.id
    assert names_to_give([OWN, OTHER], OWN.id, WANTED[:2], FAIL) == ["localhost/new:1"]
