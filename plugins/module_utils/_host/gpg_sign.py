# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""OpenPGP messages signed by the host's gpg with a secret key of its user, as gpgme signs them for containers/image.

The passphrase goes through gpg's standard input, never into an argument, a file or the environment; what is signed is no
secret and lies in a private directory meanwhile.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence

from .._errors import HostError, UsageError
from .._model.signature import is_openpgp_message
from .atomic_files import read_file
from .commands import CommandRunner, Finished
from .gpg import GpgMissing
from .os_errors import reporting
from .private_files import write_private
from .remove_tree import remove_tree

_OPTIONS = (
    "--batch",
    "--quiet",
    "--no-tty",
    "--no-options",
    "--no-auto-check-trustdb",
    "--trust-model=always",
    "--no-armor",
)
_CREATED = "[GNUPG:] SIG_CREATED "
# Lines of what gpg says are worth no more, and its status is a few lines.
_MOST_SHOWN = 300
_MOST_STATUS = 1 << 20


class SigningFailed(HostError):
    """gpg did not sign: there is no such secret key, the passphrase is wrong, the key has expired."""

    code = "signing_failed"


class BadPassphrase(UsageError):
    """A passphrase that gpg cannot be given."""

    code = "bad_passphrase"


def signing_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What gpg gets of ``environment`` to find its user's keys and agent. Its messages are in English."""
    names = ("PATH", "HOME", "GNUPGHOME", "XDG_RUNTIME_DIR")
    return {**{name: environment[name] for name in names if name in environment}, "LC_ALL": "C"}


class GpgSigner:
    """Signs with the keys in ``home``, or in the home that gpg's user has. ``timeout`` is in seconds."""

    def __init__(self, run: CommandRunner, home: str | None = None, timeout: float = 60.0) -> None:
        self._run = run
        self._home = home
        self._timeout = timeout

    def __call__(self, content: bytes, key: str, passphrase: str | None = None) -> bytes:
        """``content`` in a binary message signed by ``key``: a fingerprint, or what else gpg finds one secret key by.

        Without a passphrase the key must have none, or gpg's agent must know it: nobody is asked. Raises GpgMissing,
        SigningFailed, BadPassphrase, CommandTimeout and HostError.
        """
        if passphrase is not None and "\n" in passphrase:
            raise BadPassphrase("the passphrase for signing must not contain a line break", subject=key)
        with reporting("make a directory in", tempfile.gettempdir()):
            directory = tempfile.mkdtemp(prefix="sign-")
        try:
            return self._signed(directory, content, key, passphrase)
        finally:
            remove_tree(directory)

    def _signed(self, directory: str, content: bytes, key: str, passphrase: str | None) -> bytes:
        source, status = os.path.join(directory, "content"), os.path.join(directory, "status")
        write_private(source, content)
        command = ["gpg", *_OPTIONS, *([f"--homedir={self._home}"] if self._home else []), f"--status-file={status}"]
        command += (
            ["--pinentry-mode=error"] if passphrase is None else ["--pinentry-mode=loopback", "--passphrase-fd=0"]
        )
        command += [f"--local-user={key}", "--output=-", "--sign", source]
        done = self._run(command, b"" if passphrase is None else passphrase.encode("utf-8") + b"\n", self._timeout)
        if done is None:
            raise GpgMissing("gpg is not installed, and a signature by an OpenPGP key is wanted", subject="gpg")
        if done.status or not is_openpgp_message(done.output) or _signatures(status) != 1:
            raise SigningFailed("gpg did not sign", subject=key, wanted="one signature", found=_said(done))
        return done.output


def _signatures(path: str) -> int:
    lines: Sequence[str] = (read_file(path, _MOST_STATUS) or b"").decode("utf-8", "replace").splitlines()
    return sum(line.startswith(_CREATED) for line in lines)


def _said(done: Finished) -> str:
    text = " ".join(done.errors.decode("utf-8", "replace").split())
    return f"status {done.status}: {ascii(text[:_MOST_SHOWN])}"
