# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""OpenPGP messages verified by the host's gpg, in an empty home that is removed afterwards.

Keys of the user, the agent, key servers and trust databases take no part. gpg is asked as gpgme asks it for containers/image,
and told to take signatures over SHA-1 and RIPEMD-160 for as weak as those over MD5. What it says is handed on; nothing is
judged here.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from .._errors import HostError
from .._model.openpgp_report import OpenPgpReport
from .atomic_files import FileTooLarge, read_file
from .commands import CommandRunner, Finished
from .os_errors import reporting
from .remove_tree import remove_tree

# Of the signed content, which is a few hundred bytes; the message may be compressed a thousandfold.
_MOST_CONTENT = 1 << 20
_OPTIONS = (
    "--batch",
    "--quiet",
    "--no-tty",
    "--no-options",
    "--no-autostart",
    "--disable-dirmngr",
    "--no-auto-key-retrieve",
    "--no-auto-key-locate",
    "--no-auto-check-trustdb",
    # The keyring has nothing but what the policy trusts.
    "--trust-model=always",
    "--no-default-keyring",
)
_VERIFY = (
    # Not of keys: what the policy names is trusted as it stands, and keys of long ago vouch for themselves by SHA-1, as the
    # one by which Red Hat signs images does on RHEL 8.
    "--weak-digest=SHA1",
    "--weak-digest=RIPEMD160",
    "--no-armor",
    f"--max-output={_MOST_CONTENT}",
    "--output",
    "-",
)
# Of what gpg says of one message: a few lines for each of its packets.
_MOST_STATUS = 1 << 20
_MOST_KEYS = 1 << 26
_MARK = "[GNUPG:] "


class GpgMissing(HostError):
    """The program gpg is not installed."""

    code = "gpg_missing"


def gpg_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What gpg gets of ``environment``: the PATH. Its messages are in English."""
    return {**{name: environment[name] for name in ("PATH",) if name in environment}, "LC_ALL": "C"}


class Gpg:
    """Verifies messages by keys that are given with each, and keeps no files between two calls.

    Keyrings that were imported once are remembered, so that all images of a task need one import.
    """

    def __init__(self, run: CommandRunner, timeout: float = 30.0) -> None:
        """``timeout`` is in seconds, for each call of gpg."""
        self._run = run
        self._timeout = timeout
        self._known: dict[tuple[bytes, ...], tuple[tuple[tuple[str, ...], ...], bytes]] = {}

    def __call__(self, keyrings: Sequence[bytes], message: bytes) -> OpenPgpReport:
        """What came of importing each of ``keyrings`` into an empty keyring, and then verifying ``message``.

        Raises GpgMissing, CommandTimeout and HostError.
        """
        with _empty_home() as home:
            imported = self._fill(home, tuple(keyrings))
            done = self._gpg(home, message, *_VERIFY)
            return OpenPgpReport(imported, done.status, _status(home), done.output)

    def _fill(self, home: str, keyrings: tuple[bytes, ...]) -> tuple[tuple[str, ...], ...]:
        """Puts the keys into ``home``; returns the primary fingerprints that each of ``keyrings`` had."""
        if keyrings in self._known:
            imported, keys = self._known[keyrings]
            with reporting("write", _keyring(home)), open(_keyring(home), "xb") as file:
                file.write(keys)
            return imported
        imported = tuple(self._import(home, keyring) for keyring in keyrings)
        self._known[keyrings] = (imported, read_file(_keyring(home), _MOST_KEYS) or b"")
        return imported

    def _import(self, home: str, keyring: bytes) -> tuple[str, ...]:
        # Its exit status counts for nothing: of a secret key the public part is taken, and that there is no agent for the
        # rest is an error to gpg.
        self._gpg(home, keyring, "--import")
        words = (line.split() for line in _status(home))
        return tuple(dict.fromkeys(line[2] for line in words if len(line) > 2 and line[0] == "IMPORT_OK"))

    def _gpg(self, home: str, stdin: bytes, *arguments: str) -> Finished:
        command = ["gpg", f"--homedir={home}", *_OPTIONS, f"--keyring={_keyring(home)}"]
        # To a file: what gpg tells people goes to its standard error, and must not be taken for status.
        done = self._run([*command, f"--status-file={_status_file(home)}", *arguments], stdin, self._timeout)
        if done is None:
            raise GpgMissing(
                "gpg is not installed, and the policy requires signatures by OpenPGP keys",
                subject="gpg",
                wanted="the package gnupg (of Debian, Ubuntu, SUSE and Alpine: gpg or gpg2) or gnupg2 (of Fedora and RHEL)",
                found="no such program in the PATH",
            )
        return done


@contextmanager
def _empty_home() -> Iterator[str]:
    with reporting("make a directory in", tempfile.gettempdir()):
        # Of mode 0700, and short.
        home = tempfile.mkdtemp(prefix="gpg-")
    try:
        yield home
    finally:
        remove_tree(home)


def _keyring(home: str) -> str:
    return os.path.join(home, "keys.kbx")


def _status_file(home: str) -> str:
    return os.path.join(home, "status")


def _status(home: str) -> tuple[str, ...]:
    """The status lines of the last call. None at all where there are too many: a part could leave the bad news out."""
    try:
        data = read_file(_status_file(home), _MOST_STATUS) or b""
    except FileTooLarge:
        return ()
    lines = data.decode("utf-8", "replace").split("\n")
    return tuple(line[len(_MARK) :] for line in lines if line.startswith(_MARK))
