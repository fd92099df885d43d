# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signatures of a stored image: records, items and sizes as skopeo 1.9.3 writes them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import UnknownImage
from ansible_collections.strata.containers.plugins.module_utils._storage.edit import open_for_change
from ansible_collections.strata.containers.plugins.module_utils._storage.image_data import with_items, write_items
from ansible_collections.strata.containers.plugins.module_utils._storage.image_signatures import (
    ManifestSignatures,
    stored_signatures,
)
from ansible_collections.strata.containers.plugins.module_utils._storage.json_record import StoreDamaged
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.records import ImageRecord
from ansible_collections.strata.containers.plugins.module_utils._storage.signature_edit import (
    replace_signatures,
    with_signatures,
)

MANIFEST, OTHER = b'{"manifest":1}', b'{"manifest":2}'
D, E = Digest.of(MANIFEST), Digest.of(OTHER)
ONE, TWO = b"\xa3one", b"\x90second"
ID = "1" * 64

# What skopeo 1.9.3 wrote for an image with two signatures of 715 and 717 bytes, but for the digest.
SKOPEO = '{"signature-sizes":[715,717],"signatures-sizes":{"%s":[715,717]}}'


def record(metadata: str = "") -> ImageRecord:
    """An image that is read by MANIFEST and has OTHER besides."""
    made = ImageRecord.of(id=ID, digest=str(D), metadata=metadata)
    return with_items(made, [(f"manifest-{D}", MANIFEST), (f"manifest-{E}", OTHER), ("manifest", MANIFEST)])


def signed(*blobs: bytes, manifest: Digest = D, noted: bool = False) -> ManifestSignatures:
    return ManifestSignatures(manifest, blobs, noted)


def items_of(found: ImageRecord) -> list[str]:
    return [name for name in found.big_data_names if name.startswith("signature")]


def read_back(found: ImageRecord, manifest: Digest, **items: bytes) -> tuple[bytes, ...]:
    return stored_signatures(found, manifest, lambda key: items.get(key.replace("-", "_")))


class TestRecord:
    def test_metadata_and_items_are_skopeos(self) -> None:
        found = with_signatures(record(), signed(b"\xa3" * 715, b"\xa3" * 717))
        assert found.metadata == SKOPEO % D
        assert items_of(found) == ["signatures", f"signature-{D.hex}"]
        assert found.big_data_sizes["signatures"] == found.big_data_sizes[f"signature-{D.hex}"] == 1432
        assert found.big_data_digests["signatures"] == str(Digest.of(b"\xa3" * 1432))

    def test_of_a_manifest_that_the_image_is_not_read_by_they_are_kept_apart(self) -> None:
        found = with_signatures(record(), signed(ONE, manifest=E))
        assert json.loads(found.metadata) == {"signatures-sizes": {str(E): [4]}}
        assert items_of(found) == [f"signature-{E.hex}"]

    def test_those_of_another_manifest_stay(self) -> None:
        found = with_signatures(with_signatures(record(), signed(ONE, manifest=E)), signed(TWO))
        assert json.loads(found.metadata) == {"signature-sizes": [7], "signatures-sizes": {str(D): [7], str(E): [4]}}
        assert with_signatures(found, signed()) == with_signatures(record(), signed(ONE, manifest=E))

    def test_without_any_nothing_is_said(self) -> None:
        assert with_signatures(record(), signed()).metadata == "{}"
        assert items_of(with_signatures(with_signatures(record(), signed(ONE)), signed())) == []

    def test_that_there_are_none_can_be_noted(self) -> None:
        found = with_signatures(record(), signed(noted=True))
        assert json.loads(found.metadata) == {"signatures-sizes": {str(D): []}}
        assert items_of(found) == [f"signature-{D.hex}"]

    def test_what_else_stands_in_the_metadata_stays_and_what_is_no_json_goes(self) -> None:
        assert json.loads(with_signatures(record('{"new":{"a":1}}'), signed()).metadata) == {"new": {"a": 1}}
        for text in ("text", "[1]", '{"signatures-sizes":3}'):
            assert with_signatures(record(text), signed()).metadata == "{}"


class TestReading:
    def test_each_has_its_size(self) -> None:
        found = with_signatures(record(), signed(ONE, TWO))
        assert read_back(found, D, **{f"signature_{D.hex}": ONE + TWO}) == (ONE, TWO)

    @pytest.mark.parametrize(
        "metadata", ["", "{}", "text", json.dumps({"signatures-sizes": {str(D): []}}), '{"signature-sizes":null}']
    )
    def test_there_may_be_none(self, metadata: str) -> None:
        assert read_back(record(metadata), D) == ()

    def test_a_record_of_one_manifest_is_read_too(self) -> None:
        assert read_back(record('{"signature-sizes":[4]}'), D, signatures=ONE) == (ONE,)
        # They are those of the manifest that the image is read by, and of no other.
        assert read_back(record('{"signature-sizes":[4]}'), E, signatures=ONE) == ()

    @pytest.mark.parametrize(
        ("sizes", "content"),
        [([4], None), ([4], ONE + b"x"), ([5], ONE), (["4"], ONE), ({"a": 4}, ONE), ([9, -5], ONE)],
    )
    def test_sizes_that_do_not_fit_are_damage(self, sizes: object, content: bytes | None) -> None:
        found = record(json.dumps({"signatures-sizes": {str(D): sizes}}))
        with pytest.raises(StoreDamaged, match="do not fit"):
            stored_signatures(found, D, lambda _key: content)


class TestReplacing:
    @pytest.fixture
    def layout(self, tmp_path: Path) -> Layout:
        layout = Layout(str(tmp_path / "root"), str(tmp_path / "run"))
        with open_for_change(layout, images=True) as tables:
            write_items(layout, ID, [("manifest", MANIFEST)])
            tables.images.add(record())
            tables.save_images()
        return layout

    def content(self, layout: Layout, key: str) -> bytes | None:
        path = layout.image_item(ID, key)
        return Path(path).read_bytes() if os.path.exists(path) else None

    def test_they_are_stored_and_read_back(self, layout: Layout) -> None:
        found = replace_signatures(layout, ID, signed(ONE, TWO))
        assert stored_signatures(found, D, lambda key: self.content(layout, key)) == (ONE, TWO)
        assert self.content(layout, "signatures") == ONE + TWO

    def test_others_take_their_place(self, layout: Layout) -> None:
        replace_signatures(layout, ID, signed(ONE, TWO))
        found = replace_signatures(layout, ID, signed(TWO))
        assert stored_signatures(found, D, lambda key: self.content(layout, key)) == (TWO,)

    def test_none_leave_nothing_behind(self, layout: Layout) -> None:
        replace_signatures(layout, ID, signed(ONE))
        found = replace_signatures(layout, ID, signed())
        assert items_of(found) == [] and sorted(os.listdir(layout.image_dir(ID))) == ["manifest"]

    def test_an_unknown_image_is_an_error(self, layout: Layout) -> None:
        with pytest.raises(UnknownImage):
            replace_signatures(layout, "2" * 64, signed(ONE))
