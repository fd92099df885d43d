# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs that are run for us: found where, given what, ended when."""

from __future__ import annotations

import os
import time
import traceback
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._host.commands import (
    CommandTimeout,
    Finished,
    SystemCommands,
)

SECRET = "s3cr3t"


def script(directory: Path, name: str, body: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def commands(*directories: object, **variables: str) -> SystemCommands:
    path = os.pathsep.join([*map(str, directories), "/usr/bin", "/bin"])
    return SystemCommands({"PATH": path, **variables})


def test_it_gets_its_input_and_says_how_it_ended(tmp_path: Path) -> None:
    script(tmp_path, "say", 'read word; echo "$1 $word"; echo no >&2; exit 3')
    done = commands(tmp_path)(["say", "hello"], b"world\n", 10)
    assert done == Finished(3, b"hello world\n", b"no\n")


def test_a_program_that_reads_nothing_of_its_input_is_no_failure(tmp_path: Path) -> None:
    script(tmp_path, "say", "exit 0")
    assert commands(tmp_path)(["say"], b"x" * (1 << 20), 10) == Finished(0)


def test_the_environment_is_the_given_one_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATA_OF_THE_CALLER", "x")
    script(tmp_path, "say", "env; pwd")
    done = commands(tmp_path, STRATA_GIVEN="yes")(["say"], b"", 10)
    assert done is not None
    lines = done.output.decode().splitlines()
    assert "STRATA_GIVEN=yes" in lines and lines[-1] == "/"
    assert not [line for line in lines if line.startswith("STRATA_OF_THE_CALLER")]


def test_one_that_is_not_there_is_none(tmp_path: Path) -> None:
    script(tmp_path / "other", "say", "exit 0")
    (tmp_path / "say").write_text("not executable", encoding="utf-8")
    assert commands(tmp_path)(["say"], b"", 10) is None
    assert SystemCommands({})(["strata-no-such-program"], b"", 10) is None


def test_the_working_directory_is_no_place_for_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path, "say", "exit 0")
    monkeypatch.chdir(tmp_path)
    for path in (".", "", f".{os.pathsep}/usr/bin"):
        assert SystemCommands({"PATH": path})(["say"], b"", 10) is None


def test_one_that_cannot_be_executed_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "say"
    path.write_bytes(b"\x7fELF nonsense")
    path.chmod(0o755)
    with pytest.raises(HostError) as caught:
        commands(tmp_path)(["say"], b"", 10)
    assert caught.value.subject == str(path)


def test_one_that_takes_too_long_is_killed_with_what_it_started(tmp_path: Path) -> None:
    script(tmp_path, "say", f"echo {SECRET}; sleep 60 & echo $! >{tmp_path}/child; wait")
    started = time.monotonic()
    with pytest.raises(CommandTimeout) as caught:
        commands(tmp_path)(["say"], b"", 0.5)
    assert time.monotonic() - started < 10
    child = (tmp_path / "child").read_text(encoding="utf-8").strip()
    deadline = time.monotonic() + 30
    while _runs(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _runs(child)
    shown = "".join(traceback.format_exception(type(caught.value), caught.value, caught.value.__traceback__))
    assert SECRET not in shown and caught.value.__context__ is None


def test_no_output_is_shown(tmp_path: Path) -> None:
    script(tmp_path, "say", f"echo {SECRET}; echo {SECRET} >&2")
    done = commands(tmp_path)(["say"], b"", 10)
    assert done is not None and SECRET.encode() in done.output and SECRET not in repr(done)


def _runs(pid: str) -> bool:
    """Whether the process is there and no zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stream:
            return stream.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
