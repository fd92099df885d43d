# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys, signatures and certificates by the commands of openssl, which also is their judge."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from .commands import CommandFailed

# What `openssl genpkey` is asked for.
KINDS = {
    "P-224": ("EC", "ec_paramgen_curve:P-224"),
    "P-256": ("EC", "ec_paramgen_curve:P-256"),
    "P-384": ("EC", "ec_paramgen_curve:P-384"),
    "P-521": ("EC", "ec_paramgen_curve:P-521"),
    "secp256k1": ("EC", "ec_paramgen_curve:secp256k1"),
    "P-256 spelled out": ("EC", "ec_paramgen_curve:P-256", "ec_param_enc:explicit"),
    "P-256 compressed": ("EC", "ec_paramgen_curve:P-256"),
    "RSA-1024": ("RSA", "rsa_keygen_bits:1024"),
    "RSA-2048": ("RSA", "rsa_keygen_bits:2048"),
    "RSA-PSS": ("RSA-PSS", "rsa_keygen_bits:2048"),
    "Ed25519": ("ED25519",),
    "Ed448": ("ED448",),
}

# Days long past: nothing depends on when the tests run.
BEGIN, END = "20240101000000Z", "20340101000000Z"
WITHIN = 1_735_689_600  # 2025-01-01

_CONFIG = """
[ca]
default_ca = authority
[authority]
database = {directory}/index
new_certs_dir = {directory}
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
[any]
organizationName = optional
commonName = optional
"""

AUTHORITY = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign"
SIGNER = "keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning"


@dataclass(frozen=True)
class Key:
    """A private key in a file; ``public`` is its PUBLIC KEY in PEM."""

    kind: str
    path: Path
    public: bytes

    def sign(self, content: bytes, *options: str, digest: str = "sha256") -> bytes:
        """The signature over ``content``; ``options`` are those of ``openssl dgst -sigopt``."""
        if self.kind.startswith("Ed"):
            source = self.path.with_suffix(".content")
            source.write_bytes(content)
            return run("pkeyutl", "-sign", "-rawin", "-inkey", str(self.path), "-in", str(source))
        chosen = [part for option in options for part in ("-sigopt", option)]
        return run("dgst", f"-{digest}", "-sign", str(self.path), *chosen, stdin=content)

    def verifies(self, signature: bytes, content: bytes) -> bool:
        """Whether openssl finds ``signature`` to be by this key over ``content``."""
        public, blob = self.path.with_suffix(".pub"), self.path.with_suffix(".sig")
        public.write_bytes(self.public)
        blob.write_bytes(signature)
        if self.kind.startswith("Ed"):
            source = self.path.with_suffix(".content")
            source.write_bytes(content)
            command = ["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", str(public), "-in", str(source)]
            return _status(*command, "-sigfile", str(blob)) == 0
        return _status("dgst", "-sha256", "-verify", str(public), "-signature", str(blob), stdin=content) == 0

    @property
    def name(self) -> str:
        """The digest by which we call it."""
        der = run("pkey", "-pubin", "-outform", "DER", stdin=self.public)
        return "SHA256:" + run("dgst", "-sha256", "-r", stdin=der).split()[0].decode()


@dataclass(frozen=True)
class Certified:
    """A key and its certificate in PEM."""

    key: Key
    pem: bytes
    path: Path


class Workshop:
    """A directory where openssl makes keys and certificates."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._numbers = itertools.count(1)
        self._config = directory / "openssl.cnf"
        self._config.write_text(_CONFIG.format(directory=directory))
        (directory / "index").write_text("")

    def key(self, kind: str = "P-256") -> Key:
        """A new key."""
        path = self._file("key")
        algorithm, *options = KINDS[kind]
        chosen = [part for option in options for part in ("-pkeyopt", option)]
        run("genpkey", "-algorithm", algorithm, *chosen, "-out", str(path))
        form = ["-ec_conv_form", "compressed"] if kind.endswith("compressed") else []
        return Key(kind, path, run("pkey", "-in", str(path), "-pubout", *form))

    def dsa_key(self) -> Key:
        """A new key of DSA, which nobody verifies."""
        path, parameters = self._file("key"), self._file("parameters")
        options = ["-pkeyopt", "dsa_paramgen_bits:1024", "-pkeyopt", "dsa_paramgen_q_bits:160"]
        run("genpkey", "-genparam", "-algorithm", "DSA", *options, "-out", str(parameters))
        run("genpkey", "-paramfile", str(parameters), "-out", str(path))
        return Key("DSA", path, run("pkey", "-in", str(path), "-pubout"))

    def root(
        self, name: str = "Root", kind: str = "P-256", extensions: str = AUTHORITY, begin: str = BEGIN, end: str = END
    ) -> Certified:
        """An authority that nobody stands above."""
        return self.issue(None, name, extensions, key=self.key(kind), begin=begin, end=end)

    def issue(
        self,
        issuer: Optional[Certified],
        name: str = "Signer",
        extensions: str = SIGNER,
        *,
        key: Optional[Key] = None,
        begin: str = BEGIN,
        end: str = END,
        options: Sequence[str] = (),
    ) -> Certified:
        """A certificate of ``key``, or of a new one, by ``issuer``, or by itself; ``extensions`` are lines of openssl's."""
        key = key or self.key()
        request, chosen, path = self._file("csr"), self._file("ext"), self._file("pem")
        subject = ["-subj", f"/O=Example/CN={name}", "-config", str(self._config)]
        run("req", "-new", "-key", str(key.path), *subject, "-out", str(request))
        chosen.write_text(extensions)
        command = ["ca", "-batch", "-notext", "-config", str(self._config), "-in", str(request), "-out", str(path)]
        command += ["-startdate", begin, "-enddate", end, *options]
        command += ["-extfile", str(chosen)] if extensions else []
        if issuer is None:
            run(*command, "-selfsign", "-keyfile", str(key.path))
        else:
            run(*command, "-keyfile", str(issuer.key.path), "-cert", str(issuer.path))
        return Certified(key, path.read_bytes(), path)

    def chain_is_good(self, leaf: bytes, roots: bytes, between: bytes = b"", when: int = WITHIN) -> bool:
        """Whether ``openssl verify`` finds ``leaf`` to be a signer of code at the time ``when``."""
        files = [self._file(name) for name in ("leaf", "roots", "between")]
        for file, content in zip(files, (leaf, roots, between)):
            file.write_bytes(content)
        command = [
            "verify",
            "-no-CApath",
            "-no-CAstore",
            "-attime",
            str(when),
            "-purpose",
            "any",
            "-CAfile",
            str(files[1]),
        ]
        command += ["-untrusted", str(files[2])] if between else []
        return _status(*command, str(files[0])) == 0

    def _file(self, suffix: str) -> Path:
        return self._directory / f"{next(self._numbers)}.{suffix}"


def run(*arguments: str, stdin: bytes = b"") -> bytes:
    """What openssl printed. Raises CommandFailed."""
    done = subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=False)
    if done.returncode:
        raise CommandFailed(f"openssl {' '.join(arguments)}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def _status(*arguments: str, stdin: bytes = b"") -> int:
    return subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=False).returncode
