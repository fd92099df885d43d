# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Code that has taken over an unpacking process reaches nothing but the directory of its layer."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._host.zygote_client import Zygote
from security import planted_worker


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Zygote, Path]]:
    """A zygote with the planted worker, and its staging area."""
    staging = tmp_path_factory.mktemp("staging")
    (staging / "neighbour").mkdir()
    (staging / "neighbour" / "file").write_text("of another layer")
    helper = Zygote(planted_worker.__name__)
    helper.start()
    helper.enter(str(staging))
    yield helper, staging
    helper.close()


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What there is outside to be reached: listening sockets, a secret file, this process, a disk."""
    outside = tmp_path_factory.mktemp("outside")
    secret = outside / "secret"
    secret.write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0strata-test-{os.getpid()}")
        abstract.listen()
        with socket.socket(socket.AF_UNIX) as named:
            named.bind(str(outside / "socket"))
            named.listen()
            yield {
                "port": tcp.getsockname()[1],
                "abstract": f"strata-test-{os.getpid()}",
                "named": str(outside / "socket"),
                "secret": str(secret),
                "caller": os.getpid(),
                "disk": os.stat(outside).st_dev,
            }


def _run(zygote: tuple[Zygote, Path], task: str, orders: dict[str, Any]) -> dict[str, Any]:
    helper, staging = zygote
    (staging / task).mkdir()
    reading, writing = os.pipe2(os.O_CLOEXEC)
    child = helper.spawn(task, task, [reading])
    os.close(reading)
    try:
        os.write(writing, json.dumps(orders).encode())
    except BrokenPipeError:
        # The child is gone already; why, its outcome tells.
        pass
    os.close(writing)
    outcome = child.outcome(1 << 20)
    assert outcome.end == "", outcome
    document: dict[str, Any] = json.loads(outcome.document)
    assert "error" not in document, document
    return document


@pytest.mark.parametrize("attack", [attack.__name__ for attack in planted_worker.ATTACKS])
def test_planted_code_is_refused(zygote: tuple[Zygote, Path], orders: dict[str, Any], attack: str) -> None:
    assert _run(zygote, attack, orders)["refused"] != ""


@pytest.mark.parametrize(
    "attack",
    [
        planted_worker.connect_tcp,
        planted_worker.send_datagram,
        planted_worker.connect_abstract_socket,
        planted_worker.connect_named_socket,
        planted_worker.read_absolute_path,
        planted_worker.read_memory_of_caller,
        planted_worker.kill_caller,
        planted_worker.open_device,
    ],
)
def test_the_same_code_succeeds_outside(
    orders: dict[str, Any], attack: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the test above would prove nothing."""
    monkeypatch.chdir(tmp_path)
    if attack is planted_worker.read_memory_of_caller:
        with open(f"/proc/{orders['caller']}/mem", "rb"):
            return
    attack(orders)


def test_a_child_sees_its_directory_and_nothing_of_the_caller(
    zygote: tuple[Zygote, Path], orders: dict[str, Any]
) -> None:
    seen = _run(zygote, "look", orders)
    assert seen["root"] == []
    assert seen["directory"] == "/"
    assert seen["umask"] == 0o022
    assert seen["limits"] == [0, 64]
    assert sorted(seen["environment"]) == ["LC_ALL", "PATH"]


def test_every_measure_is_in_force_on_a_host_that_has_them_all(zygote: tuple[Zygote, Path]) -> None:
    helper, staging = zygote
    (staging / "measures").mkdir()
    confinement = json.loads(helper.spawn("look", "measures", []).outcome(1 << 20).document)["confinement"]
    landlock = confinement.pop("landlock")
    assert set(confinement.values()) == {"in force"}, confinement
    assert landlock.startswith(("version", "not available")), landlock


def test_a_directory_that_is_not_there_is_an_error_of_the_child(zygote: tuple[Zygote, Path]) -> None:
    child = zygote[0].spawn("look", "absent", [])
    error = json.loads(child.outcome(1 << 20).document)["error"]
    assert error["family"] == "HostError"
    assert "absent" in error["object"]


@pytest.mark.parametrize("name", ["..", "../outside", "neighbour/../.."])
def test_no_name_of_a_directory_leads_out_of_the_staging_area(zygote: tuple[Zygote, Path], name: str) -> None:
    """The zygote's own root is the staging area, so even a wrong name stays in it."""
    child = zygote[0].spawn("look", name, [])
    document = json.loads(child.outcome(1 << 20).document)
    assert "error" in document or "neighbour" in document["root"]
