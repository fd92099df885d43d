# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of repositories and images in registries, where no store plays a part."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.strata.containers.plugins.module_utils._engine.registry_names import (
    TagOrDigestGiven,
    registry_image,
    registry_repository,
)
from ansible_collections.strata.containers.plugins.module_utils._model.reference import InvalidReference, Reference

DIGEST = "sha256:" + "d" * 64


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("busybox", "docker.io/library/busybox:latest"),
        ("team/app:1", "docker.io/team/app:1"),
        ("docker://quay.io/team/app:2", "quay.io/team/app:2"),
        (f"quay.io/team/app:2@{DIGEST}", f"quay.io/team/app@{DIGEST}"),
    ],
)
def test_the_name_of_an_image_is_completed_as_skopeo_does(text: str, wanted: str) -> None:
    assert str(registry_image(text)) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("busybox", "docker.io/library/busybox"),
        ("docker://localhost:5000/app", "localhost:5000/app"),
        ("quay.io/a/b/c", "quay.io/a/b/c"),
    ],
)
def test_the_name_of_a_repository_is_completed_as_skopeo_does(text: str, wanted: str) -> None:
    assert str(registry_repository(text)) == wanted


@pytest.mark.parametrize("text", ["app:1", f"docker://quay.io/app@{DIGEST}", f"quay.io/app:1@{DIGEST}", "quay.io:5000"])
def test_the_name_of_an_image_is_none_of_a_repository(text: str) -> None:
    with pytest.raises(TagOrDigestGiven, match="no tag or digest is allowed") as raised:
        registry_repository(text)
    assert raised.value.code == "invalid_reference" and raised.value.subject == text


@pytest.mark.parametrize("read", [registry_image, registry_repository])
@pytest.mark.parametrize("text", ["", "Upper/case", "https://quay.io/app", "a" * 64])
def test_what_is_no_name_is_refused(read: Callable[[str], Reference], text: str) -> None:
    with pytest.raises(InvalidReference):
        read(text)
