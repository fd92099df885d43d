# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_pull from a registry that is out of order for a while or for good, and two tasks at once, through ansible-playbook."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Optional

import pytest
from lab.odd_images import GZIP, Entry, ImageLayout, make_tar
from lab.playbook import PlaybookRunner, PlayResult
from lab.recording_server import Answer, Heard, RecordingServer, registry_error, registry_of
from lab.registry import Registry
from lab.stores import Store

TWICE = 2
FOREVER = 1000
BUSY = registry_error(429, "TOOMANYREQUESTS", "slow down", [("Retry-After", "0")])
BAD_GATEWAY = Answer(502, [("Content-Type", "text/html")], b"<html>bad gateway</html>")
HUNG_UP = Answer(0)
# Repository -> how its manifest is answered, and how often before it is served.
FAULTS = {
    "busy-twice": (BUSY, TWICE),
    "busy": (BUSY, FOREVER),
    "gateway-twice": (BAD_GATEWAY, TWICE),
    "gateway": (BAD_GATEWAY, FOREVER),
    "dropped-twice": (HUNG_UP, TWICE),
    "dropped": (HUNG_UP, FOREVER),
}
RETRIES = 2


class OutOfOrder:
    """A registry of one image whose repositories each have a fault; ``repaired`` ends them all."""

    def __init__(self, layout: ImageLayout) -> None:
        self._layout = layout
        self._serve = registry_of(layout)
        self._given: Counter[str] = Counter()
        self.repaired = False

    def __call__(self, heard: Heard) -> Optional[Answer]:
        answer = self._serve(heard)
        repository = heard.target.split("/")[2] if heard.target.count("/") > 2 else ""
        if self.repaired or answer is None:
            return answer
        if repository in FAULTS and "/manifests/" in heard.target:
            fault, times = FAULTS[repository]
            self._given[repository] += 1
            return fault if self._given[repository] <= times else answer
        if repository == "cut" and len(answer.body) > 10_000:
            return Answer(answer.status, answer.headers, answer.body, cut=len(answer.body) // 2)
        if repository == "spoilt" and len(answer.body) > 10_000:
            return Answer(answer.status, answer.headers, answer.body[:-1] + bytes([answer.body[-1] ^ 1]))
        return answer


@pytest.fixture(scope="module")
def layout(judges: None, tmp_path_factory: pytest.TempPathFactory) -> ImageLayout:
    layout = ImageLayout(str(tmp_path_factory.mktemp("layout")))
    small = gzip.compress(make_tar([Entry("small", content=b"small")]), mtime=0)
    # Not to be compressed, so that there is something to cut.
    content = b"".join(bytes([number % 251, number % 241, number % 239]) for number in range(20_000))
    large = gzip.compress(make_tar([Entry("large", content=content)]), compresslevel=0, mtime=0)
    layout.add_image("1", [(small, GZIP), (large, GZIP)])
    return layout


@pytest.fixture
def server(layout: ImageLayout) -> Iterator[RecordingServer]:
    with RecordingServer(OutOfOrder(layout)) as server:
        yield server


@pytest.fixture
def pull(run_playbook: PlaybookRunner, pull_options: dict[str, Any]) -> Callable[..., PlayResult]:
    """One play of a task for each name, each on a store of its own."""

    def run(stores: dict[str, Store], names: dict[str, str], **options: Any) -> PlayResult:
        tasks = [
            {
                "name": row,
                "ignore_errors": True,
                "strata.containers.image_pull": {
                    **stores[row].module_options(),
                    **pull_options,
                    "name": name,
                    "retries": RETRIES,
                    "retry_delay": 0.01,
                    **options,
                },
            }
            for row, name in names.items()
        ]
        return run_playbook(tasks, verbosity=3)

    return run


def _manifests(server: RecordingServer, repository: str) -> int:
    return len([line for line in server.requests() if line == f"GET /v2/{repository}/manifests/1"])


def test_a_fault_that_passes_is_waited_for_and_one_that_stays_is_told(
    server: RecordingServer, pull: Callable[..., PlayResult], make_store: Callable[[str], Store]
) -> None:
    stores = {row: make_store(row) for row in FAULTS}
    played = pull(stores, {row: server.reference(f"{row}:1") for row in FAULTS})
    for row in ("busy-twice", "gateway-twice", "dropped-twice"):
        result = played.result(row)
        assert result["_status"] == "ok" and result["changed"], result
        assert _manifests(server, row) == TWICE + 1
        assert stores[row].podman("image", "exists", server.reference(f"{row}:1")) == ""
    for row, code, reason, asked in (
        ("busy", "rate_limited", "slow down", 5 * (RETRIES + 1)),
        ("gateway", "registry_error", "502 Bad Gateway", RETRIES + 1),
        # Once more: the first request meets the connection that the ping left, for which a new one is made.
        ("dropped", "registry_unreachable", "without an answer", RETRIES + 2),
    ):
        result = played.result(row)
        assert result["_status"] == "failed" and not result["changed"]
        assert result["error"]["code"] == code and reason in result["msg"], result["msg"]
        assert _manifests(server, row) == asked, row
        assert stores[row].podman("images", "--all", "--quiet") == ""
    statuses = {row: played.result(row)["error"]["status"] for row in ("busy", "gateway", "dropped")}
    assert statuses == {"busy": 429, "gateway": 502, "dropped": None}


def test_a_download_that_breaks_off_or_is_spoilt_leaves_nothing_and_a_repeat_completes(
    server: RecordingServer, pull: Callable[..., PlayResult], make_store: Callable[[str], Store]
) -> None:
    stores = {row: make_store(row) for row in ("cut", "spoilt")}
    names = {row: server.reference(f"{row}:1") for row in stores}
    played = pull(stores, names, retries=0)
    for row, code in (("cut", "connection_lost"), ("spoilt", "digest_mismatch")):
        result = played.result(row)
        assert result["_status"] == "failed" and not result["changed"]
        assert result["error"]["code"] == code, result["msg"]
        assert stores[row].podman("images", "--all", "--quiet") == ""
        assert stores[row].containers_storage("layers") == ""
    assert isinstance(server.answering, OutOfOrder)
    server.answering.repaired = True
    again = pull(stores, names, retries=0)
    assert again.changed_tasks == ["cut", "spoilt"], again.stdout
    for row, name in names.items():
        assert stores[row].podman("image", "inspect", "--format", "{{.Id}}", name) == again.result(row)["image"]["id"]


def test_two_tasks_that_pull_the_same_image_at_once_both_succeed(
    run_playbook: PlaybookRunner,
    registry: Registry,
    make_store: Callable[[str], Store],
    pull_options: dict[str, Any],
    tmp_path: Path,
) -> None:
    store, image = make_store("store"), registry.reference("base:1")
    task = {"strata.containers.image_pull": {**store.module_options(), **pull_options, "name": image}}
    tasks: list[dict[str, Any]] = [
        {"name": f"start {number}", **task, "async": 120, "poll": 0, "register": f"job{number}"} for number in (1, 2)
    ]
    for number in (1, 2):
        wait = {"ansible.builtin.async_status": {"jid": f"{{{{ job{number}.ansible_job_id }}}}"}}
        end = {"register": f"end{number}", "until": f"end{number}.finished", "retries": 300, "delay": 1}
        tasks.append({"name": f"end {number}", **wait, **end})
    played = run_playbook(tasks, env={"ANSIBLE_ASYNC_DIR": str(tmp_path / "async")})
    assert played.rc == 0, played.stdout
    ids = {played.result(f"end {number}")["image"]["id"] for number in (1, 2)}
    assert len(ids) == 1 and played.changed
    assert len(store.podman("images", "--quiet").splitlines()) == 1
