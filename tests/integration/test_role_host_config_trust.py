# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role host_config with keys, certificates and places of signatures: podman and skopeo verify by what it installs."""

from __future__ import annotations

import gzip
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from lab.commands import run
from lab.fixtures import push
from lab.gpg_keys import Signer, running_signer
from lab.odd_images import GZIP, Entry, ImageLayout, make_tar
from lab.playbook import PlaybookRunner, PlayResult
from lab.registry import Registry, make_certificates, running_registry
from lab.stores import Store
from lab.trees import snapshot

REJECT = [{"type": "reject"}]


class Role:
    """The role on a scratch directory, with the files of the policy alone."""

    def __init__(self, play: PlaybookRunner, directory: Path) -> None:
        self._play = play
        self.directory = directory

    def __call__(self, *, check: bool = False, **variables: Any) -> PlayResult:
        settings = {"directory": str(self.directory), "files": ["policy"], **variables}
        named = {f"host_config_{key}": value for key, value in settings.items()}
        role = {"name": "strata.containers.host_config"}
        return self._play(
            [{"name": "Role", "ansible.builtin.include_role": role, "vars": named}], check=check, diff=True
        )


@pytest.fixture
def role(judges: None, run_playbook: PlaybookRunner, tmp_path: Path) -> Role:
    return Role(run_playbook, tmp_path / "containers")


@dataclass(frozen=True)
class Signed:
    """A registry with the images ``signed/app:1`` and ``unsigned/app:1``, the key, and the lookaside of the first's signature."""

    registry: Registry
    signer: Signer
    key: str
    lookaside: Path

    def name(self, path: str) -> str:
        return self.registry.reference(f"{path}/app:1")


@pytest.fixture(scope="module")
def signed(judges: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signed]:
    """The signature is podman's own."""
    directory = tmp_path_factory.mktemp("signed")
    with running_registry(str(directory / "registry")) as registry, running_signer() as signer:
        layout = ImageLayout(str(directory / "layout"))
        layout.add_image("app", [(gzip.compress(make_tar([Entry("file")]), mtime=0), GZIP)])
        push(layout, "app", registry.reference("unsigned/app:1"))
        key = signer.make_key("vendor")
        (directory / "registries.d").mkdir()
        staging = f"default-docker:\n  lookaside-staging: file://{directory}/lookaside\n"
        (directory / "registries.d" / "a.yaml").write_text(staging, encoding="utf-8")
        run(
            ["skopeo", "--insecure-policy", "--registries.d", str(directory / "registries.d"), "copy"]
            + ["--dest-tls-verify=false", "--sign-by", key]
            + [f"oci:{layout.directory}:app", f"docker://{registry.reference('signed/app:1')}"],
            env=signer.environment(),
        )
        yield Signed(registry, signer, key, directory / "lookaside")


def variables(signed: Signed, role: Role) -> dict[str, Any]:
    """Images of the registry are taken where the vendor's key signed them, and none of others."""
    requirement = {"type": "signedBy", "keyType": "GPGKeys", "keyPath": f"{role.directory}/keys/vendor.asc"}
    return {
        "keys": [{"name": "vendor.asc", "content": signed.signer.public(signed.key, armor=True).decode()}],
        "signature_stores": [{"scope": signed.registry.host, "lookaside": f"file://{signed.lookaside}"}],
        "policy": {"default": REJECT, "transports": {"docker": {signed.registry.host: [requirement]}}},
    }


def skopeo(role: Role, name: str, target: Path) -> tuple[bool, str]:
    """Whether skopeo copies the image by what the role installed, and what it said."""
    command = [
        "skopeo",
        "--policy",
        f"{role.directory}/policy.json",
        "--registries.d",
        f"{role.directory}/registries.d",
    ]
    command += ["copy", "--src-tls-verify=false", f"docker://{name}", f"dir:{target}"]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    return done.returncode == 0, done.stderr


def podman(role: Role, store: Store, name: str) -> tuple[bool, str]:
    """The same for a pull by podman, which has no option for registries.d and gets one below an /etc of its own."""
    script = f'mount --bind {role.directory} /etc/containers && exec "$@"'
    pull = ["podman", "--root", store.root, "--runroot", store.run_root, "pull", "--tls-verify=false", name]
    env = {**os.environ, "HOME": str(role.directory)}
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", *pull], env=env, capture_output=True, check=False, text=True
    )
    return done.returncode == 0, done.stderr


class TestVerification:
    def test_signed_images_come_in_and_others_do_not(
        self, role: Role, signed: Signed, tmp_path: Path, make_store: Callable[[str], Store]
    ) -> None:
        wanted = variables(signed, role)
        predicted = role(check=True, **wanted)
        assert predicted.rc == 0, predicted.stdout
        assert predicted.changed and not role.directory.exists()
        old = os.umask(0o077)
        try:
            done = role(**wanted)
        finally:
            os.umask(old)
        assert done.rc == 0, done.stdout
        self._assert_installed(role)
        before = snapshot(str(role.directory))
        for check in (True, False):
            again = role(check=check, **wanted)
            assert again.rc == 0 and not again.changed, again.stdout
        assert snapshot(str(role.directory)) == before

        store = make_store("podman")
        for accepted, said in (
            skopeo(role, signed.name("signed"), tmp_path / "copy"),
            podman(role, store, signed.name("signed")),
        ):
            assert accepted, said
        for accepted, said in (
            skopeo(role, signed.name("unsigned"), tmp_path / "no"),
            podman(role, store, signed.name("unsigned")),
        ):
            assert not accepted and "no signature exists" in said, said

        other = signed.signer.public(signed.signer.make_key("other"), armor=True).decode()
        changed = role(**{**wanted, "keys": [{"name": "vendor.asc", "content": other}]})
        assert changed.changed_tasks == ["Install keys, certificates and places of signatures"]
        accepted, said = skopeo(role, signed.name("signed"), tmp_path / "copy")
        assert not accepted and "Invalid GPG signature" in said, said

    @staticmethod
    def _assert_installed(role: Role) -> None:
        files = sorted(role.directory.rglob("*"))
        assert [str(path.relative_to(role.directory)) for path in files] == [
            *("keys", "keys/vendor.asc", "policy.json", "registries.d", "registries.d/strata.yaml")
        ]
        assert [path.stat().st_mode & 0o777 for path in files] == [0o755, 0o644, 0o644, 0o755, 0o644]


class TestFiles:
    def test_binary_keys_and_certificates_come_from_files(self, role: Role, signed: Signed, tmp_path: Path) -> None:
        sources = tmp_path / "sources"
        sources.mkdir()
        authority, certificate, key = make_certificates(str(sources))
        (sources / "vendor.gpg").write_bytes(signed.signer.public(signed.key))
        run(["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", str(sources / "cosign.key")])
        public = run(["openssl", "ec", "-in", str(sources / "cosign.key"), "-pubout"])
        host = "registry.example.com:5000"
        wanted = {
            "keys": [
                {"name": "vendor.gpg", "src": str(sources / "vendor.gpg")},
                {"name": "cosign.pub", "content": public},
                {"name": "root.pem", "src": authority},
            ],
            "keys_directory": str(tmp_path / "pki"),
            "certificates": [
                {"registry": host, "name": "ca.crt", "src": authority},
                {"registry": host, "name": "us.cert", "src": certificate},
                {"registry": host, "name": "us.key", "src": key},
            ],
        }
        done = role(**wanted)
        assert done.rc == 0, done.stdout
        assert "PRIVATE KEY" not in done.stdout
        assert (tmp_path / "pki" / "vendor.gpg").read_bytes() == (sources / "vendor.gpg").read_bytes()
        assert (tmp_path / "pki" / "cosign.pub").read_text(encoding="utf-8") == public
        installed = role.directory / "certs.d" / host
        assert {path.name: path.stat().st_mode & 0o777 for path in installed.iterdir()} == {
            "ca.crt": 0o644,
            "us.cert": 0o644,
            "us.key": 0o600,
        }
        assert (installed / "us.key").read_bytes() == Path(key).read_bytes()
        Path(key).write_text(Path(key).read_text(encoding="utf-8") + "\n", encoding="utf-8")
        replaced = role(**wanted)
        assert replaced.changed_tasks == ["Install keys, certificates and places of signatures"]
        assert "PRIVATE KEY" not in replaced.stdout

    def test_other_files_of_registries_d_stay_and_are_heeded(self, role: Role, signed: Signed) -> None:
        directory = role.directory / "registries.d"
        directory.mkdir(parents=True)
        theirs = "default-docker:\n  lookaside: file:///srv/other\n"
        (directory / "default.yaml").write_text(theirs, encoding="utf-8")
        before = snapshot(str(role.directory))
        refused = role(signature_stores=[{"lookaside": "https://signatures.example.com"}])
        assert refused.rc != 0 and not refused.changed
        assert "default-docker is defined in" in refused.message and "default.yaml" in refused.message
        assert snapshot(str(role.directory)) == before
        done = role(signature_stores=[{"scope": "quay.io", "use_sigstore_attachments": True}])
        assert done.rc == 0, done.stdout
        assert (directory / "default.yaml").read_text(encoding="utf-8") == theirs
        written = yaml.safe_load((directory / "strata.yaml").read_text(encoding="utf-8"))
        assert written == {"docker": {"quay.io": {"use-sigstore-attachments": True}}}

    def test_a_private_key_is_refused_before_anything_is_written(self, role: Role, signed: Signed) -> None:
        refused = role(
            keys=[{"name": "a.pem", "content": "-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----\n"}]
        )
        assert refused.rc != 0 and not refused.changed and "a.pem: this is a private key" in refused.stdout
        assert not role.directory.exists()
