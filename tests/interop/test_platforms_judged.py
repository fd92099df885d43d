# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How podman spells platforms, and which image of an index skopeo takes for one."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Optional

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.index import Index
from ansible_collections.strata.containers.plugins.module_utils._model.manifest_parser import parse_manifest
from ansible_collections.strata.containers.plugins.module_utils._model.platform import Platform, parse_platform
from lab.config_host import ScratchHost

SEED = 20261129
SAMPLES = 3000 if os.environ.get("STRATA_TEST_LONG") else 150

OCI = "application/vnd.oci.image.index.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_IMAGE = "application/vnd.oci.image.manifest.v1+json"
DOCKER_IMAGE = "application/vnd.docker.distribution.manifest.v2+json"
CONFIGS = {
    OCI_IMAGE: "application/vnd.oci.image.config.v1+json",
    DOCKER_IMAGE: "application/vnd.docker.container.image.v1+json",
}

# podman 4.3 leaves arm64/v8 and i686 as they are; later ones, and we, know them for arm64 and 386.
SPELLINGS = ["linux/x86_64", "linux/x86-64", "linux/aarch64", "linux/i386", "linux/armhf", "linux/armel", "linux/arm"]
SPELLINGS += ["macos/arm64", "Linux/AMD64", "linux/amd64/v1", "linux/amd64/v3", "linux/x86_64/v2", "linux/arm/7"]
SPELLINGS += ["linux/arm/v5", "linux/arm/5", "linux/arm64/v9", "linux/ppc64le", "linux/riscv64", "windows/x86_64"]


@pytest.fixture
def host(judges: None) -> Iterator[ScratchHost]:
    with tempfile.TemporaryDirectory(prefix="st-") as base:
        yield ScratchHost(Path(base))


@pytest.mark.parametrize("text", SPELLINGS)
def test_podman_and_we_mean_the_same_platform(host: ScratchHost, text: str) -> None:
    log = host.podman("a.test/app:1", "--platform", text).text
    # A structure of Go: architecture, system, its version and features, variant.
    normalised = re.findall(r"Normalized platform \S+ to \{(\S+) (\S+)  \[\] (\S*)\}", log)
    assert normalised, log
    architecture, system, variant = normalised[-1]
    assert parse_platform(text) == Platform(system, architecture, variant)


class ImageDirectory:
    """An index in a directory of the transport ``dir:``, whose images say in their config which entry they are."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "version").write_text("Directory Transport Version: 1.1\n", encoding="utf-8")

    def write(self, media_type: str, platforms: Sequence[Optional[Platform]]) -> Index:
        """Makes the index with one image for each of ``platforms`` the content of the directory."""
        entries = [self._entry(media_type, number, platform) for number, platform in enumerate(platforms)]
        raw = json.dumps({"schemaVersion": 2, "mediaType": media_type, "manifests": entries}).encode()
        (self.directory / "manifest.json").write_bytes(raw)
        parsed = parse_manifest(raw, media_type)
        assert isinstance(parsed, Index)
        return parsed

    def _entry(self, media_type: str, number: int, platform: Optional[Platform]) -> dict[str, object]:
        image_type = OCI_IMAGE if media_type == OCI else DOCKER_IMAGE
        system = {"os": platform.os, "architecture": platform.architecture} if platform else {}
        rootfs = {"type": "layers", "diff_ids": []}
        config = self._blob("", {**system, "author": f"entry {number}", "config": {}, "rootfs": rootfs, "history": []})
        manifest = {"schemaVersion": 2, "mediaType": image_type, "config": {"mediaType": CONFIGS[image_type], **config}}
        entry: dict[str, object] = {"mediaType": image_type, **self._blob(".manifest.json", {**manifest, "layers": []})}
        if platform:
            entry["platform"] = {**system, **({"variant": platform.variant} if platform.variant else {})}
        return entry

    def _blob(self, suffix: str, value: object) -> dict[str, object]:
        raw = json.dumps(value).encode()
        hexadecimal = hashlib.sha256(raw).hexdigest()
        (self.directory / f"{hexadecimal}{suffix}").write_bytes(raw)
        return {"digest": f"sha256:{hexadecimal}", "size": len(raw)}

    def skopeo_takes(self, wanted: Platform) -> Optional[int]:
        """The number of the entry that skopeo takes, None where it says that there is none."""
        command = ["skopeo", "--override-os", wanted.os, "--override-arch", wanted.architecture]
        command += ["--override-variant", wanted.variant] if wanted.variant else []
        done = subprocess.run(
            [*command, "inspect", "--config", f"dir:{self.directory}"], capture_output=True, text=True, check=False
        )
        if done.returncode:
            assert "no image found in" in done.stderr, done.stderr
            return None
        return int(json.loads(done.stdout)["author"].partition(" ")[2])

    def we_take(self, index: Index, wanted: Platform) -> Optional[int]:
        entries = index.candidates(wanted)
        return index.manifests.index(entries[0]) if entries else None


def test_skopeo_and_we_take_the_same_image_of_an_index(judges: None, tmp_path: Path) -> None:
    dice = random.Random(SEED)
    images = ImageDirectory(tmp_path)
    platforms = [Platform("linux", "arm", variant) for variant in ("", "v5", "v6", "v7", "v8", "v9")]
    platforms += [Platform("linux", "arm64", variant) for variant in ("", "v8", "v9")]
    platforms += [Platform("linux", "amd64", variant) for variant in ("", "v2", "v3")]
    platforms += [Platform("windows", "amd64"), Platform("unknown", "unknown")]
    taken = {"one": 0, "none": 0}
    for _sample in range(SAMPLES):
        wanted = dice.choice(platforms[:-1])
        near = [platform for platform in platforms if platform.architecture == wanted.architecture]
        entries: list[Optional[Platform]] = [
            dice.choice([*near, *near, *platforms]) for _entry in range(dice.randrange(5))
        ]
        media_type = dice.choice([OCI, DOCKER])
        if media_type == OCI and dice.random() < 0.1:
            entries.insert(dice.randrange(len(entries) + 1), None)
        index = images.write(media_type, entries)
        theirs = images.skopeo_takes(wanted)
        assert images.we_take(index, wanted) == theirs, (media_type, str(wanted), list(map(str, entries)))
        taken["none" if theirs is None else "one"] += 1
    assert all(taken.values()), taken
