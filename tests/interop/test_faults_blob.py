# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of faults, layers: refused, cut off, resumed wrongly, corrupt, or not what the config says."""

from __future__ import annotations

import gzip
import random
import tarfile
from pathlib import Path
from typing import Any

import pytest
from lab.fault_bench import EACH_COPY, ONCE, FaultBench, row
from lab.odd_images import PLAIN, ZSTD, Entry, make_tar
from lab.scripted_registry import digest_of, error_body, image_config, make_image, small_layer

# Of bytes that do not compress, so that a cut falls into the file.
TAR = make_tar([Entry("file", content=random.Random(20261128).randbytes(300_000))])
LAYER = gzip.compress(TAR, mtime=0)
IMAGE = make_image([LAYER])
CUT = 100_000
REST = LAYER[CUT:]
PATH = f"/v2/team/app/blobs/{digest_of(LAYER)}"
CONFIG_PATH = f"/v2/team/app/blobs/{digest_of(IMAGE.config)}"
MANIFEST_PATH = "/v2/team/app/manifests/1"
# A download that is cut off is resumed once before it counts as lost.
RESUMED = 2


def _range(first: int, last: int, total: object) -> dict[str, str]:
    return {"Content-Range": f"bytes {first}-{last}/{total}"}


@pytest.mark.parametrize(
    ("status", "body", "code", "asked"),
    [
        row(9, "500_for_a_blob", 500, b"", "registry_error", ONCE),
        row(9, "503_for_a_blob", 503, b"", "registry_error", EACH_COPY),
        row(17, "blob_unknown", 404, error_body("BLOB_UNKNOWN"), "blob_unknown", EACH_COPY),
        row(17, "404_in_words_of_its_own", 404, b"<html>not here</html>", "blob_unknown", ONCE),
        row(3, "403_for_a_blob", 403, b"<Error>expired</Error>", "denied", ONCE),
        row(20, "206_that_nobody_asked_for", 206, LAYER[:CUT], "registry_error", ONCE),
        row(20, "no_content", 204, b"", "registry_error", ONCE),
    ],
)
def test_a_blob_that_is_refused(bench: FaultBench, status: int, body: bytes, code: str, asked: int) -> None:
    bench.registry.expect("GET", PATH, status=status, body=body, times=None)
    bench.registry.serve(IMAGE)
    result = bench.pull()
    bench.refused(result, code, digest_of(LAYER))
    assert result["error"]["status"] == status
    assert bench.registry.asked(PATH) == asked


def test_row_17_a_config_that_is_not_there(bench: FaultBench) -> None:
    bench.registry.expect("GET", CONFIG_PATH, status=404, body=error_body("BLOB_UNKNOWN"), times=None)
    bench.registry.serve(IMAGE)
    bench.refused(bench.pull(), "blob_unknown", digest_of(IMAGE.config))
    assert bench.registry.asked(CONFIG_PATH) == EACH_COPY
    assert bench.registry.asked(PATH) == 0


def test_row_17_a_copy_that_is_repeated_fetches_no_layer_twice(bench: FaultBench) -> None:
    """The larger layer goes first, and is staged before the other one is asked for."""
    small = small_layer()
    path = bench.registry.blob_path(small)
    bench.registry.expect("GET", path, status=404, body=error_body("BLOB_UNKNOWN"), times=EACH_COPY - 1)
    bench.registry.serve(make_image([small, LAYER]))
    result = bench.pull(max_parallel_downloads=1)
    assert result.changed and not result.failed, result.text
    assert (bench.registry.asked(PATH), bench.registry.asked(path)) == (ONCE, EACH_COPY)
    assert bench.registry.asked(MANIFEST_PATH) == EACH_COPY
    mounted = bench.store.podman("image", "mount", result["image"]["id"])
    # The second layer's file lies over the first one's.
    assert Path(mounted, "file").stat().st_size == 300_000
    bench.store.podman("image", "umount", result["image"]["id"])


def test_row_18_another_blob_than_its_digest_names(bench: FaultBench) -> None:
    bench.registry.expect("GET", PATH, body=LAYER[:CUT] + b"!" + LAYER[CUT + 1 :], times=None)
    bench.registry.serve(IMAGE)
    bench.refused(bench.pull(), "digest_mismatch", digest_of(LAYER))
    assert bench.registry.asked(PATH) == ONCE


class TestCutOff:
    def test_row_19_a_download_that_is_cut_off_is_resumed_where_it_ended(self, bench: FaultBench) -> None:
        bench.registry.expect("GET", PATH, body=LAYER, cut=CUT, requires={"Range": None})
        answer = _range(CUT, len(LAYER) - 1, len(LAYER))
        bench.registry.expect("GET", PATH, status=206, body=REST, headers=answer, requires={"Range": f"bytes={CUT}-"})
        bench.registry.serve(IMAGE)
        result = bench.pull(retries=0)
        assert result.changed and result["bytes_downloaded"] == len(LAYER), result.text
        assert bench.registry.asked(PATH) == RESUMED

    @pytest.mark.parametrize(
        ("fault", "retries", "asked"),
        [
            row(19, "in_order", {}, 2, RESUMED),
            row(19, "by_a_reset", {"reset": True}, 1, RESUMED * 2),
            row(19, "by_silence", {"silent": True}, 0, RESUMED),
        ],
    )
    def test_a_download_that_is_cut_off_again_and_again(
        self, bench: FaultBench, fault: dict[str, Any], retries: int, asked: int
    ) -> None:
        """A server that closes the connection in order will do so again; a reset may pass (containers/common, pkg/retry)."""
        bench.registry.expect("GET", PATH, body=LAYER, cut=CUT, times=None, **fault)
        bench.registry.serve(IMAGE)
        bench.refused(bench.pull(retries=retries, timeout=2), "connection_lost")
        assert bench.registry.asked(PATH) == asked

    @pytest.mark.parametrize(
        ("fault", "asked"),
        [row(19, "manifest_in_order", {}, ONCE), row(19, "manifest_by_a_reset", {"reset": True}, EACH_COPY)],
    )
    def test_a_manifest_that_is_cut_off(self, bench: FaultBench, fault: dict[str, Any], asked: int) -> None:
        bench.registry.ping()
        headers = {"Content-Type": IMAGE.media_type}
        bench.registry.expect("GET", MANIFEST_PATH, body=IMAGE.manifest, headers=headers, cut=50, times=None, **fault)
        bench.refused(bench.pull(), "connection_lost")
        assert bench.registry.asked(MANIFEST_PATH) == asked

    def test_row_21_a_server_that_ignores_the_range_sends_everything_again(self, bench: FaultBench) -> None:
        bench.registry.expect("GET", PATH, body=LAYER, cut=CUT)
        bench.registry.serve(IMAGE)
        result = bench.pull(retries=0)
        assert result.changed and not result.failed, result.text
        assert bench.registry.asked(PATH) == RESUMED

    @pytest.mark.parametrize(
        ("status", "body", "headers", "code"),
        [
            row(21, "from_elsewhere", 206, REST[1:], _range(CUT + 1, len(LAYER) - 1, len(LAYER)), "registry_error"),
            row(21, "a_part_of_it", 206, REST[:9], _range(CUT, CUT + 8, len(LAYER)), "registry_error"),
            row(21, "without_a_range", 206, REST, {}, "registry_error"),
            row(21, "416", 416, b"", {}, "registry_error"),
            row(18, "of_another_blob", 200, b"!" * len(LAYER), {}, "digest_mismatch"),
        ],
    )
    def test_a_download_that_is_resumed_wrongly(
        self, bench: FaultBench, status: int, body: bytes, headers: dict[str, str], code: str
    ) -> None:
        bench.registry.expect("GET", PATH, body=LAYER, cut=CUT)
        bench.registry.expect("GET", PATH, status=status, body=body, headers=headers, times=None)
        bench.registry.serve(IMAGE)
        bench.refused(bench.pull(), code)
        assert bench.registry.asked(PATH) == RESUMED


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        row(20, "longer", {"body": LAYER + b"more"}, "size_mismatch"),
        row(20, "shorter", {"body": LAYER[:-4]}, "size_mismatch"),
        row(20, "the_length_is_too_short", {"body": LAYER, "length": str(CUT)}, "size_mismatch"),
        row(20, "the_length_is_too_long", {"body": LAYER, "length": str(len(LAYER) + 9), "cut": -1}, "size_mismatch"),
        row(20, "the_length_is_no_number", {"body": LAYER + b"more", "length": "many", "cut": -1}, "size_mismatch"),
        row(20, "the_length_is_negative", {"body": LAYER + b"more", "length": "-1", "cut": -1}, "size_mismatch"),
        row(
            20, "longer_and_open", {"body": LAYER + b"more", "length": None, "cut": -1, "silent": True}, "size_mismatch"
        ),
    ],
)
def test_a_blob_of_another_size(bench: FaultBench, answer: dict[str, Any], code: str) -> None:
    if answer.get("cut"):
        answer = {**answer, "cut": len(answer["body"])}
    bench.registry.expect("GET", PATH, times=None, **answer)
    bench.registry.serve(IMAGE)
    bench.refused(bench.pull(), code, digest_of(LAYER))
    assert bench.registry.asked(PATH) == ONCE


def test_row_20_a_blob_that_only_claims_to_be_compressed_on_the_way_is_taken_as_sent(bench: FaultBench) -> None:
    """Stores of objects call a gzip layer so."""
    bench.registry.expect("GET", PATH, body=LAYER, headers={"Content-Encoding": "gzip"})
    bench.registry.serve(IMAGE)
    assert bench.pull(retries=0).changed


def test_row_20_a_blob_that_was_compressed_on_the_way_is_unpacked(bench: FaultBench) -> None:
    bench.registry.expect("GET", PATH, body=gzip.compress(LAYER), headers={"Content-Encoding": "gzip"})
    bench.registry.serve(IMAGE)
    assert bench.pull(retries=0).changed


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        row(22, "gzip_middle", LAYER[:CUT] + bytes(400) + LAYER[CUT + 400 :], PLAIN),
        row(22, "gzip_end", LAYER[:-20], PLAIN),
        row(22, "zstd", bytes.fromhex("28b52ffd") + b"\xff" * 300, ZSTD),
        row(22, "no_tar", gzip.compress(b"no tar at all" * 100), PLAIN),
    ],
)
def test_a_corrupt_layer_though_its_digest_is_right(bench: FaultBench, data: bytes, kind: str) -> None:
    image = make_image([data], layer_type=kind, diff_ids=["sha256:" + "1" * 64])
    bench.registry.serve(image)
    bench.refused(bench.pull(), "corrupt_layer")
    assert bench.registry.asked(bench.registry.blob_path(data)) == ONCE


def test_row_23_a_layer_that_is_not_what_the_config_says(bench: FaultBench) -> None:
    good = small_layer()
    bench.registry.serve(make_image([good, LAYER], config=image_config([good, small_layer("other")])))
    bench.refused(bench.pull(), "diff_id_mismatch", digest_of(LAYER), digest_of(TAR))
    assert bench.registry.asked(PATH) == ONCE


@pytest.mark.parametrize(
    ("entries", "word"),
    [
        row(26, "a_file_twice", [Entry("twice", content=b"1"), Entry("twice", content=b"2")], "twice"),
        row(26, "a_link_to_nothing", [Entry("link", tarfile.LNKTYPE, target="nothing")], "link"),
        row(26, "a_link_out", [Entry("link", tarfile.LNKTYPE, target="../../../../../../etc/passwd")], "link"),
        row(26, "a_type_nobody_knows", [Entry("odd", b"V")], "odd"),
    ],
)
def test_an_unsafe_entry(bench: FaultBench, entries: list[Entry], word: str) -> None:
    data = gzip.compress(make_tar([Entry("good", content=b"good"), *entries]), mtime=0)
    bench.registry.serve(make_image([data]))
    bench.refused(bench.pull(), "unsafe_layer", word)
    assert bench.registry.asked(bench.registry.blob_path(data)) == ONCE


def test_row_26_a_name_that_climbs_out_stays_in_its_layer(bench: FaultBench) -> None:
    """podman takes it so too: its root is the layer, and there is nothing above."""
    data = gzip.compress(make_tar([Entry("../../../../../../climbed", content=b"x")]), mtime=0)
    bench.registry.serve(make_image([data]))
    result = bench.pull()
    assert result.changed, result.text
    (layer,) = result["image"]["layers"]
    assert Path(layer["path"], "climbed").read_bytes() == b"x"
    assert not Path("/climbed").exists()
