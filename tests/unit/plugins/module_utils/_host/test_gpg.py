# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How gpg is run, and what is taken of what it says; what the real one says is judged by the interop tests."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Optional

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._host.commands import CommandTimeout, Finished
from ansible_collections.strata.containers.plugins.module_utils._host.gpg import Gpg, GpgMissing, gpg_environment

FINGERPRINT = "2C9453DA656365853EE9930A9346B074E87D0313"


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def option(command: Sequence[str], name: str) -> str:
    (value,) = (word.partition("=")[2] for word in command if word.startswith(f"--{name}="))
    return value


class Scripted:
    """Writes status lines as gpg does, and looks at the home that it is given."""

    def __init__(self, status: bytes = b"", look: Optional[Callable[[str], None]] = None) -> None:
        self.status = status
        self.look = look
        self.commands: list[Sequence[str]] = []
        self.inputs: list[bytes] = []

    def __call__(self, command: Sequence[str], stdin: bytes, timeout: float) -> Optional[Finished]:
        self.commands.append(command)
        self.inputs.append(stdin)
        home = option(command, "homedir")
        if self.look is not None:
            self.look(home)
        status = self.status
        if "--import" in command:
            status = (
                f"[GNUPG:] IMPORT_OK 1 {FINGERPRINT}\n[GNUPG:] IMPORT_OK 0 {FINGERPRINT}\n".encode() if stdin else b""
            )
            Path(option(command, "keyring")).write_bytes(b"keys")
        Path(option(command, "status-file")).write_bytes(status)
        return Finished(2, b"content", b"[GNUPG:] GOODSIG from standard error\n")


def test_the_report_has_what_gpg_said_to_the_status_file(scratch: Path) -> None:
    run = Scripted(b"[GNUPG:] PLAINTEXT 62 1 \ngpg: words for people\n[GNUPG:] GOODSIG 1 \xff\n[GNUPG:]GOODSIG\n")
    report = Gpg(run)([b"a", b""], b"message")
    assert report.imported == ((FINGERPRINT,), ())
    assert (report.exit_status, report.content) == (2, b"content")
    assert report.status == ("PLAINTEXT 62 1 ", "GOODSIG 1 \ufffd")
    assert run.inputs == [b"a", b"", b"message"]


def test_a_status_that_is_too_long_says_nothing(scratch: Path) -> None:
    line = b"[GNUPG:] GOODSIG 1\n"
    assert Gpg(Scripted(line * ((1 << 20) // len(line))))([], b"message").status
    assert Gpg(Scripted(line * ((1 << 20) // len(line) + 1)))([], b"message").status == ()


def test_a_status_that_is_not_there_says_nothing(scratch: Path) -> None:
    report = Gpg(lambda command, stdin, timeout: Finished(2))([b"a"], b"message")
    assert (report.imported, report.status) == (((),), ())


def test_the_home_is_private_new_and_removed(scratch: Path) -> None:
    seen = []

    def look(home: str) -> None:
        assert stat.S_IMODE(os.stat(home).st_mode) == 0o700
        seen.append((home, os.listdir(home)))

    gpg = Gpg(Scripted(look=look))
    gpg([b"a"], b"message")
    gpg([b"a"], b"message")
    homes = list(dict.fromkeys(home for home, _files in seen))
    assert len(homes) == 2
    # The second one begins with the keys that the first one imported, and nothing else.
    assert [files for _home, files in seen if files == []] == [[]] and seen[-1][1] == ["keys.kbx"]
    assert os.listdir(scratch) == []


def test_the_home_is_removed_after_a_failure_too(scratch: Path) -> None:
    def fail(command: Sequence[str], stdin: bytes, timeout: float) -> Finished:
        Path(option(command, "homedir"), "left").write_bytes(b"")
        raise CommandTimeout("the program did not end in time")

    with pytest.raises(CommandTimeout):
        Gpg(fail)([], b"message")
    assert os.listdir(scratch) == []


def test_a_missing_gpg_names_the_package(scratch: Path) -> None:
    with pytest.raises(GpgMissing) as caught:
        Gpg(lambda command, stdin, timeout: None)([b"a"], b"message")
    assert caught.value.code == "gpg_missing" and "gnupg2" in str(caught.value)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(HostError) as caught:
        Gpg(Scripted())([], b"message")
    assert str(tmp_path / "nowhere") in str(caught.value)


@pytest.mark.parametrize(
    "word",
    [
        "--batch",
        "--no-tty",
        "--no-options",
        "--no-autostart",
        "--no-auto-key-retrieve",
        "--no-auto-key-locate",
        "--trust-model=always",
        "--no-default-keyring",
    ],
)
def test_every_call_is_cut_off_from_the_user_and_the_network(scratch: Path, word: str) -> None:
    run = Scripted()
    Gpg(run)([b"a"], b"message")
    assert len(run.commands) == 2 and all(word in command for command in run.commands)


def test_a_message_is_verified_by_no_command_that_could_do_more(scratch: Path) -> None:
    run = Scripted()
    Gpg(run)([b"a"], b"message")
    assert [word for word in run.commands[-1] if not word.startswith("-")] == ["gpg"]
    assert {"--no-armor", "--weak-digest=SHA1", "--weak-digest=RIPEMD160"} <= set(run.commands[-1])
    assert not any("weak" in word for word in run.commands[0])
    assert "--max-output=1048576" in run.commands[-1]


def test_nothing_of_the_environment_but_the_path_reaches_gpg() -> None:
    assert gpg_environment({"PATH": "/bin", "GNUPGHOME": "/x", "HOME": "/y", "LC_ALL": "de_DE"}) == {
        "PATH": "/bin",
        "LC_ALL": "C",
    }
    assert gpg_environment({}) == {"LC_ALL": "C"}
