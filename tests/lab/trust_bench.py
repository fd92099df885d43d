# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry, a lookaside, keys and policies: what pulls of signed images are tested with, by our engine and by skopeo."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.paths import ConfigPaths
from ansible_collections.strata.containers.plugins.module_utils._engine.outcome import Outcome
from ansible_collections.strata.containers.plugins.module_utils._module import image_pull, image_verify
from ansible_collections.strata.containers.plugins.module_utils._module.run import Task
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter

from .gpg_keys import Signer, running_signer
from .odd_images import PLAIN, Entry, make_tar
from .scripted_registry import ScriptedImage, digest_of, make_image, make_index
from .static_registry import StaticRegistry
from .stores import Store

REPOSITORY = "ns/app"
MIRRORED = "m/ns/app"
LIST = "ns/list"
OTHER_REPOSITORIES = ("mirror/ns/app", MIRRORED)
OCI_INDEX = "application/vnd.oci.image.index.v1+json"

Policy = dict[str, Any]


@dataclass(frozen=True)
class Keys:
    """Two keys of ``signer``: ``good`` is the one that policies trust, ``other`` is not."""

    signer: Signer
    good: str
    other: str

    def requirement(self, *keys: str, **changes: Any) -> Policy:
        """A signedBy that trusts ``keys``, or the good one."""
        data = base64.b64encode(self.signer.public(*(keys or [self.good]))).decode()
        requirement = {"type": "signedBy", "keyType": "GPGKeys", "keyData": data, **changes}
        return {key: value for key, value in requirement.items() if value is not None}


@dataclass(frozen=True)
class Shelf:
    """A registry that serves one image under several names, and a list with it and another."""

    registry: StaticRegistry
    image: ScriptedImage
    index: bytes
    other: ScriptedImage

    @property
    def digest(self) -> str:
        return digest_of(self.image.manifest)

    @property
    def name(self) -> str:
        """The image without tag, as signatures call it."""
        return self.registry.reference(REPOSITORY)

    def blobs_asked(self) -> list[str]:
        return [path for path, _headers in self.registry.asked if "/blobs/" in path]


def fill(registry: StaticRegistry) -> Shelf:
    """``ns/app`` with the tags v1 and v2, the same elsewhere, and ``ns/list:v1``."""
    # Not compressed: skopeo takes the layers of a store out as tar, and a signed image only where that changes nothing.
    image, other = (make_image([make_tar([Entry(name)])], layer_type=PLAIN) for name in ("one", "other"))
    for repository in (REPOSITORY, LIST, *OTHER_REPOSITORIES):
        for served in (image, other) if repository == LIST else (image,):
            registry.add_blob(repository, served.config, "")
            for layer in served.layers:
                registry.add_blob(repository, layer, "")
            for tag in ("v1", "v2"):
                registry.add_manifest(repository, served.manifest, served.media_type, tag)
    foreign = {"os": "linux", "architecture": "s390x"}
    entries = json.loads(make_index(image.manifest))["manifests"]
    entries += json.loads(make_index(other.manifest, platform=foreign))["manifests"]
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
    registry.add_manifest(LIST, index, OCI_INDEX, "v1")
    return Shelf(registry, image, index, other)


@dataclass(frozen=True)
class TrustBench:
    """A shelf, keys, an empty store, and a directory for signatures and configuration of one test."""

    shelf: Shelf
    keys: Keys
    store: Store
    directory: Path

    def keep(self, repository: str, manifest: bytes, *blobs: bytes, first: int = 1) -> Path:
        """Puts signatures of ``manifest`` into the lookaside, numbered from ``first`` on; returns their directory."""
        algorithm, _colon, digits = digest_of(manifest).partition(":")
        directory = self.directory / "sigs" / f"{repository}@{algorithm}={digits}"
        directory.mkdir(parents=True, exist_ok=True)
        for number, blob in enumerate(blobs, first):
            (directory / f"signature-{number}").write_bytes(blob)
        return directory

    def signature(self, reference: str, key: str = "", manifest: bytes = b"") -> bytes:
        """A simple signature by the good key, unless told otherwise."""
        return self.keys.signer.simple_signature(
            manifest or self.shelf.image.manifest, reference, key or self.keys.good
        )

    def policy(self, policy: Policy | Sequence[Policy]) -> str:
        """The path of a policy file: a whole policy, or its default."""
        path = self.directory / "policy.json"
        path.write_text(json.dumps(policy if isinstance(policy, dict) else {"default": policy}), encoding="utf-8")
        return str(path)

    def registries_d(self, text: str = "") -> str:
        """A directory that leads to the lookaside, or says ``text``."""
        directory = self.directory / "registries.d"
        directory.mkdir(exist_ok=True)
        default = f"default-docker: {{lookaside: 'file://{self.directory}/sigs'}}\n"
        (directory / "default.yaml").write_text(text or default, encoding="utf-8")
        return str(directory)

    def registries_conf(self) -> str:
        """Where the images of ``upstream.test`` are really."""
        path = self.directory / "registries.conf"
        host = self.shelf.registry.host
        mirror = f'[[registry.mirror]]\nlocation = "{host}/m"\ninsecure = true\n'
        text = f'[[registry]]\nlocation = "upstream.test"\n{mirror}[[registry]]\nlocation = "{host}"\ninsecure = true\n'
        path.write_text(text, encoding="utf-8")
        return str(path)

    def options(self, **more: Any) -> dict[str, Any]:
        """Options of our modules by which nothing of the machine takes part."""
        (self.directory / "auth.json").write_text("{}", encoding="utf-8")
        return {
            **self.store.module_options(),
            "registries_conf": self.registries_conf(),
            "registries_d": more.get("registries_d") or self.registries_d(),
            "authfile": str(self.directory / "auth.json"),
            "retries": 0,
            **more,
        }

    def pull(self, name: str, *, check: bool = False, **options: Any) -> tuple[Outcome, Reporter]:
        """What image_pull does in this process."""
        return self._run(image_pull, check, name=[name], **options)

    def verify(self, *names: str, **options: Any) -> Outcome:
        """What image_verify finds out."""
        return self._run(image_verify, False, name=list(names), **options)[0]

    def _run(self, module: Any, check: bool, **options: Any) -> tuple[Outcome, Reporter]:
        defaults = {name: option.get("default") for name, option in module.OPTIONS.items()}
        paths = ConfigPaths(str(self.directory / "home"), 0, environment=dict(os.environ), root=str(self.directory))
        reporter = Reporter()
        outcome = module.verb(Task({**defaults, **self.options(**options)}, paths, reporter, check))
        return outcome, reporter

    def skopeo(self, name: str, policy: str, destination: str, *arguments: str) -> str:
        """What skopeo says where it refuses to copy the image, empty where it copies it."""
        command = ["skopeo", "--policy", policy, "--registries.d", str(self.directory / "registries.d")]
        done = subprocess.run(
            [
                *command,
                "--registries-conf",
                self.registries_conf(),
                "copy",
                *arguments,
                f"docker://{name}",
                destination,
            ],
            capture_output=True,
            check=False,
            text=True,
        )
        return "" if done.returncode == 0 else done.stderr or "it failed"


@pytest.fixture(scope="module")
def shelf(judges: None) -> Iterator[Shelf]:
    """A registry with the images."""
    with StaticRegistry() as registry:
        yield fill(registry)


@pytest.fixture(scope="module")
def keys(judges: None) -> Iterator[Keys]:
    """An OpenPGP key that policies trust, and another."""
    with running_signer() as signer:
        yield Keys(signer, signer.make_key("good"), signer.make_key("other"))


@pytest.fixture
def bench(shelf: Shelf, keys: Keys, make_store: Callable[[str], Store], tmp_path: Path) -> TrustBench:
    """The bench of one test, with an empty store."""
    return TrustBench(shelf, keys, make_store("store"), tmp_path)
