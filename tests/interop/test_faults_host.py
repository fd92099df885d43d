# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of faults, this host: policy, disk, rights, configuration, and signals in the middle of a download."""

from __future__ import annotations

import gzip
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.commands import run
from lab.fault_bench import ONCE, FaultBench, row
from lab.modules import module_process
from lab.odd_images import Entry, make_tar
from lab.scripted_registry import make_image, small_layer

IMAGE = make_image([small_layer()])
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        row(36, "reject", '{"default": [{"type": "reject"}]}', "policy_refused"),
        row(36, "malformed", '{"default": [{"type": "accept"}]}', "invalid_policy"),
        row(36, "no_json", "accept everything", "invalid_policy"),
        row(36, "no_file", None, "no_policy"),
    ],
)
def test_a_policy_that_does_not_let_the_image_in(bench: FaultBench, policy: str | None, code: str) -> None:
    path = str(bench.directory / "none.json") if policy is None else bench.write("strict.json", policy)
    bench.refused(bench.pull(signature_policy=path), code)
    assert bench.registry.connections == 0


class TestStore:
    def test_row_37_a_full_disk(self, bench: FaultBench) -> None:
        layer = gzip.compress(make_tar([Entry("file", content=random.Random(37).randbytes(8_000_000))]), 1, mtime=0)
        bench.registry.serve(make_image([small_layer(), layer]))
        os.makedirs(bench.store.root)
        run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", bench.store.root])
        bench.refused(bench.pull(), "no_space", "No space left on device")
        assert bench.registry.asked(bench.registry.blob_path(layer)) == ONCE
        run(["mount", "-o", "remount,size=40m", bench.store.root])
        assert bench.pull().changed

    def test_row_38_a_read_only_store(self, bench: FaultBench) -> None:
        bench.registry.serve(IMAGE)
        os.makedirs(bench.store.root)
        run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", bench.store.root])
        bench.refused(bench.pull(), "permission_denied", bench.store.root)
        assert bench.registry.asked(bench.registry.blob_path(small_layer())) == 0

    def test_row_38_a_user_without_rights(self, bench: FaultBench) -> None:
        os.chmod(bench.store.base, 0o755)
        bench.refused(bench.pull(prefix=NOBODY), "not_root")
        assert bench.registry.connections == 0

    def test_row_38_a_store_below_a_file(self, bench: FaultBench) -> None:
        blocked = bench.write("blocked", "a file where a directory should be")
        result = bench.pull(root=f"{blocked}/root")
        bench.refused(result, "permission_denied", blocked)


class TestConfiguration:
    @pytest.mark.parametrize(
        ("option", "content", "code"),
        [
            row(39, "an_empty_authfile", "authfile", "", "invalid_config"),
            row(
                39, "an_authfile_that_is_no_json", "authfile", '{"auths": {"h": {"auth": "c2VjcmV0"}', "invalid_config"
            ),
            row(39, "an_authfile_that_is_no_object", "authfile", '["c2VjcmV0"]', "invalid_config"),
            row(39, "auths_that_are_no_object", "authfile", '{"auths": ["c2VjcmV0"]}', "invalid_config"),
            row(
                39,
                "credentials_that_are_no_base64",
                "authfile",
                '{"auths": {"HOST": {"auth": "c2VjcmV0!"}}}',
                "invalid_config",
            ),
            row(39, "a_file_that_is_no_toml", "registries_conf", "[[registry]\n", "invalid_config"),
            row(
                39,
                "a_location_with_a_scheme",
                "registries_conf",
                '[[registry]]\nlocation = "https://x.example"\n',
                "invalid_config",
            ),
            row(
                39,
                "a_flag_that_is_a_text",
                "registries_conf",
                '[[registry]]\nlocation = "x.example"\ninsecure = "yes"\n',
                "invalid_config",
            ),
            row(
                39, "a_registry_without_a_place", "registries_conf", "[[registry]]\ninsecure = true\n", "invalid_config"
            ),
        ],
    )
    def test_a_file_that_is_malformed(self, bench: FaultBench, option: str, content: str, code: str) -> None:
        path = bench.write("malformed", content.replace("HOST", bench.registry.host))
        result = bench.pull(**{option: path})
        bench.refused(result, code, path)
        assert "c2VjcmV0" not in result.text
        assert bench.registry.connections == 0

    @pytest.mark.parametrize("option", [row(39, "authfile", "authfile"), row(39, "registries_conf", "registries_conf")])
    def test_a_file_that_is_not_there(self, bench: FaultBench, option: str) -> None:
        path = str(bench.directory / "not-there")
        bench.refused(bench.pull(**{option: path}), "invalid_config", path)
        assert bench.registry.connections == 0

    def test_row_38_a_directory_in_the_place_of_a_file(self, bench: FaultBench) -> None:
        path = bench.directory / "directory"
        path.mkdir()
        result = bench.pull(authfile=str(path))
        bench.refused(result, result.code, str(path))
        assert result.code in ("host", "invalid_config")
        assert bench.registry.connections == 0


@pytest.fixture
def halfway(bench: FaultBench) -> Iterator[subprocess.Popen[bytes]]:
    """A pull of two layers of which one has arrived, and the other is held back by the registry in its middle."""
    layer = gzip.compress(make_tar([Entry("large", content=random.Random(44).randbytes(900_000))]), mtime=0)
    held = bench.registry.expect("GET", bench.registry.blob_path(layer), body=layer, cut=600_000, silent=True)
    bench.registry.serve(make_image([small_layer(), layer]))
    process = module_process("image_pull", bench.arguments(timeout=30), env=bench.environment)
    deadline = time.monotonic() + 60
    while not (held.sent and _staged_files(bench) > 1):
        assert time.monotonic() < deadline and process.poll() is None, "the pull did not come to its middle"
        time.sleep(0.02)
    yield process
    if process.poll() is None:
        process.kill()
        process.communicate()


def _staged_files(bench: FaultBench) -> int:
    return len([path for path in Path(bench.store.root, "overlay").glob("tempdirs/temp-dir-*/*/*") if path.is_file()])


@pytest.mark.parametrize(
    "number",
    [
        row(44, "by_sigterm", signal.SIGTERM),
        row(44, "by_sigint", signal.SIGINT),
        row(44, "by_sighup", signal.SIGHUP),
        row(44, "by_sigkill", signal.SIGKILL),
    ],
)
def test_an_interrupted_pull(bench: FaultBench, halfway: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """It ends at once; the store is as it was, locks are free, and the next pull takes the rest away."""
    halfway.send_signal(number)
    output, errors = halfway.communicate(timeout=20)
    assert halfway.returncode == -number
    assert b"Traceback" not in output + errors
    assert bench.store.podman("images", "--all", "--quiet") == ""
    done = bench.pull()
    assert done.changed and not done.failed, done.text
    assert list(Path(bench.store.root, "overlay/tempdirs").glob("*")) == []
    assert list(Path(bench.store.root, "overlay-layers/tmp").glob("*")) == []
    assert bench.store.podman("images", "--quiet", "--no-trunc") == f"sha256:{done['image']['id']}"
