# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What skopeo and podman sign, by keys that gpg keeps for them, is accepted; for another name or by other keys it is not."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._host.commands import SystemCommands
from ansible_collections.strata.containers.plugins.module_utils._host.gpg import Gpg, gpg_environment
from ansible_collections.strata.containers.plugins.module_utils._trust.subject import OpenPgp
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.stage import (
    Row,
    signed_by,
    with_identity,
)
from lab.commands import run
from lab.fixtures import push
from lab.gpg_keys import Signer, running_signer
from lab.odd_images import GZIP, Entry, ImageLayout, make_tar
from lab.registry import Registry, running_registry
from lab.stores import Store


@dataclass
class Signers:
    """A signer with the keys ``G`` and ``O``, as the rows of the tables name them; it makes no messages itself."""

    signer: Signer
    keys: dict[str, str]
    openpgp: OpenPgp

    def keyring(self, name: str) -> bytes:
        return self.signer.public(self.keys[name])

    def message(self, content: bytes, key: str, kind: str) -> bytes:
        raise NotImplementedError


@pytest.fixture(scope="module")
def signers(judges: None) -> Iterator[Signers]:
    with running_signer() as signer:
        keys = {name: signer.make_key(name * 5) for name in ("G", "O")}
        yield Signers(signer, keys, Gpg(SystemCommands(gpg_environment(os.environ))))


@pytest.fixture(scope="module")
def registry(judges: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    directory = tmp_path_factory.mktemp("registry")
    layout = ImageLayout(str(directory / "layout"))
    layout.add_image("app", [(gzip.compress(make_tar([Entry("file")]), mtime=0), GZIP)])
    with running_registry(str(directory)) as registry:
        push(layout, "app", registry.reference("team/app:v1"))
        yield registry


def judge(signers: Signers, name: str, manifest: bytes, blob: bytes) -> None:
    """The signature by G is good for ``name``, and for nothing else."""
    rows = {
        "accepted": Row([signed_by("G")], name, [blob], manifest=manifest),
        "openpgp_refused": Row([signed_by("O")], name, [blob], manifest=manifest),
        "signed_digest_mismatch": Row([signed_by("G")], name, [blob], manifest=manifest + b"\n"),
        "signed_identity_refused": Row(
            [with_identity("G", type="matchExact")], name.replace(":v1", ":v2"), [blob], manifest=manifest
        ),
    }
    assert {wanted: row.outcome(signers) for wanted, row in rows.items()} == {wanted: wanted for wanted in rows}
    met = rows["accepted"].verdict(signers).met
    assert [(one.requirement, one.signer) for one in met] == [("signedBy", f"OpenPGP key {signers.keys['G']}")]


def raw_manifest(name: str) -> bytes:
    return run(["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{name}"]).encode(
        "utf-8", "surrogateescape"
    )


def test_standalone_signature_of_skopeo(signers: Signers, registry: Registry, tmp_path: Path) -> None:
    name = registry.reference("team/app:v1")
    manifest, signature = tmp_path / "manifest", tmp_path / "signature"
    manifest.write_bytes(raw_manifest(name))
    command = ["skopeo", "standalone-sign", str(manifest), name, signers.keys["G"], "--output", str(signature)]
    run(command, env=signers.signer.environment())
    judge(signers, name, manifest.read_bytes(), signature.read_bytes())


def home_with_lookaside(directory: Path) -> tuple[Path, Path]:
    """A home directory whose registries.d leads to a lookaside on this host, and that directory."""
    lookaside = directory / "lookaside"
    path = directory / "home/.config/containers/registries.d/default.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(f"default-docker:\n  lookaside: file://{lookaside}\n", encoding="utf-8")
    return directory / "home", lookaside


def test_push_of_podman_with_a_signature(
    signers: Signers, registry: Registry, make_store: Callable[[str], Store], tmp_path: Path
) -> None:
    home, lookaside = home_with_lookaside(tmp_path)
    store = make_store("store")
    image = store.podman("pull", "--quiet", "--tls-verify=false", registry.reference("team/app:v1"))
    name = registry.reference("podman/app:v1")
    command = store.podman_command("push", "--tls-verify=false", "--sign-by", signers.keys["G"], image, name)
    run(command, env={**signers.signer.environment(), "HOME": str(home)})
    (signature,) = lookaside.glob("podman/app@sha256=*/signature-1")
    judge(signers, name, raw_manifest(name), signature.read_bytes())


def test_copy_of_skopeo_with_a_signature(signers: Signers, registry: Registry, tmp_path: Path) -> None:
    home, lookaside = home_with_lookaside(tmp_path)
    source, name = registry.reference("team/app:v1"), registry.reference("skopeo/app:v1")
    command = ["skopeo", "--insecure-policy", "copy", "--src-tls-verify=false", "--dest-tls-verify=false"]
    command += ["--sign-by", signers.keys["G"], f"docker://{source}", f"docker://{name}"]
    run(command, env={**signers.signer.environment(), "HOME": str(home)})
    (signature,) = lookaside.glob("skopeo/app@sha256=*/signature-1")
    judge(signers, name, raw_manifest(name), signature.read_bytes())
