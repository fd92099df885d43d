# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.short_names import ShortNames
from ansible_collections.strata.containers.plugins.module_utils._engine.lineage import Lineage
from ansible_collections.strata.containers.plugins.module_utils._engine.removal import (
    ImageInUse,
    ImageMounted,
    Removal,
)
from ansible_collections.strata.containers.plugins.module_utils._engine.remove import ContainerMounted
from ansible_collections.strata.containers.plugins.module_utils._engine.remove_image import SeveralNames, meant, take
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import AmbiguousName, Catalog
from ansible_collections.strata.containers.plugins.module_utils._storage.records import (
    ContainerRecord,
    ImageRecord,
    LayerRecord,
)

DIGEST = "sha256:" + "d" * 64
ONE = ImageRecord.of(id="a" * 64, names=["localhost/one:1", "docker.io/library/web:latest"], digest=DIGEST, layer="top")
TWO = ImageRecord.of(id="ab" + "c" * 62, names=["localhost/web:latest"], layer="base", big_data_sizes={"manifest": 7})
CATALOG = Catalog(
    layers=(
        LayerRecord.of(id="base", diff_digest=DIGEST, diff_size=1000),
        LayerRecord.of(id="top", parent="base", diff_digest=DIGEST, diff_size=20),
        LayerRecord.of(id="writable", parent="base"),
        LayerRecord.of(id="broken", parent="top", flags={"incomplete": True}),
    ),
    images=(ONE, TWO),
    containers=(ContainerRecord.of(id="e" * 64, names=["box"], image=TWO.id, layer="writable"),),
)


def _removal(*mounted: str) -> Removal:
    return Removal(
        CATALOG,
        Lineage(lambda _image: None),
        lambda layer_id: f"/m/{layer_id}" if layer_id in mounted else None,
        lambda _image: None,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one:1", (ONE.id, "localhost/one:1")),
        ("web", (TWO.id, "localhost/web:latest")),
        ("docker.io/web", (ONE.id, "docker.io/library/web:latest")),
        ("docker://docker.io/web:latest", (ONE.id, "docker.io/library/web:latest")),
        (ONE.id, (ONE.id, None)),
        ("abc", (TWO.id, None)),
        (DIGEST, (ONE.id, None)),
        (f"one@{DIGEST}", (ONE.id, None)),
        (f"docker.io/library/web:9@{DIGEST}", (ONE.id, None)),
        (f"two@{DIGEST}", None),
        ("absent", None),
        ("Not A Name", None),
        ("", None),
    ],
)
def test_a_name_is_told_from_an_id_or_digest(text: str, expected: tuple[str, str | None] | None) -> None:
    assert meant(CATALOG, text, ShortNames) == expected


def test_an_ambiguous_beginning_of_an_id_is_an_error() -> None:
    with pytest.raises(AmbiguousName):
        meant(CATALOG, "a", ShortNames)


def test_the_last_name_takes_the_image_with_it() -> None:
    removal = _removal()
    take(removal, ONE.id, "localhost/one:1", force=False, containers=True)
    assert removal.untagged == [("localhost/one:1", ONE.id)] and removal.deleted == []
    take(removal, ONE.id, "localhost/one:1", force=False, containers=True)
    assert removal.deleted == []
    take(removal, ONE.id, "docker.io/library/web:latest", force=False, containers=True)
    assert removal.deleted == [ONE.id] and removal.layers == ["top"] and removal.size == 20
    take(removal, ONE.id, None, force=False, containers=True)
    assert removal.deleted == [ONE.id]


def test_an_id_does_not_cost_several_names_without_force() -> None:
    with pytest.raises(SeveralNames, match=r"localhost/one:1, docker\.io/library/web:latest"):
        take(_removal(), ONE.id, None, force=False, containers=True)
    removal = _removal()
    take(removal, ONE.id, None, force=True, containers=True)
    assert removal.deleted == [ONE.id] and len(removal.untagged) == 2


def test_a_container_keeps_its_image_and_goes_first_with_force() -> None:
    with pytest.raises(ImageInUse, match="container box eeeeeeeeeeee"):
        take(_removal(), TWO.id, None, force=False, containers=True)
    with pytest.raises(ImageInUse):
        take(_removal(), TWO.id, None, force=True, containers=False)
    removal = _removal()
    take(removal, ONE.id, None, force=True, containers=True)
    take(removal, TWO.id, None, force=True, containers=True)
    assert [container.id for container in removal.containers] == ["e" * 64]
    assert removal.layers == ["top", "base"] and removal.size == 20 + 1000 + 7
    assert removal.sides() == (
        {"images": {ONE.id: list(ONE.names), TWO.id: list(TWO.names)}, "containers": ["box"]},
        {"images": {}, "containers": []},
    )


def test_a_mounted_container_is_taken_by_nobody() -> None:
    with pytest.raises(ContainerMounted, match="/m/writable"):
        take(_removal("writable"), TWO.id, None, force=True, containers=True)


def test_a_mount_of_a_layer_that_would_go_keeps_the_image() -> None:
    with pytest.raises(ImageMounted, match="/m/top"):
        _removal("top").delete(ONE, containers=False, mounted=False)
    removal = _removal("top")
    removal.delete(ONE, containers=False, mounted=True)
    assert removal.mounts == [(ONE.id, "top")]
    below = _removal("base")
    below.delete(ONE, containers=False, mounted=False)
    assert below.mounts == [] and below.deleted == [ONE.id]
