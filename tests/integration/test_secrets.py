# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A secret goes to the one host it is for, and shows nowhere: no result, log, warning, file, process or other request.

Every case has its positive control: the secret did reach the host that it is for.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lab.fixtures import scratch_stores
from lab.modules import module_process, module_result, run_module
from lab.playbook import PlaybookRunner
from lab.proxy import Proxy
from lab.registry import Login
from lab.secret_world import (
    IDENTITY,
    PASSWORD,
    PROXY_PASSWORD,
    SECRETS,
    SIGNATURE,
    TOKEN,
    USER,
    WRONG,
    World,
    talkative_world,
)
from lab.secrets import Secret, files_with, shown, watched_processes
from lab.stores import Store


@dataclass(frozen=True)
class Case:
    """One pull: where from, the credentials, what comes of it, and which server hears which secrets."""

    name: str
    server: str
    repository: str
    ways: str
    code: str
    heard: dict[str, set[Secret]]
    secret: Secret = PASSWORD


OPTIONS, FILE, IDENTITY_FILE, MIRRORED = "options", "auth file", "identity token", "mirror"
BASIC = {"basic": {PASSWORD}}
BEARER = {"tokens": {PASSWORD}, "bearer": {TOKEN}}
SIGNED = {"storage": {SIGNATURE}}
CASES = [
    Case("basic", "basic", "app", OPTIONS, "", {**BASIC, **SIGNED}),
    Case("basic by file", "basic", "app", FILE, "", {**BASIC, **SIGNED}),
    Case("bearer", "bearer", "app", OPTIONS, "", {**BEARER, **SIGNED}),
    Case("bearer by file", "bearer", "app", FILE, "", {**BEARER, **SIGNED}),
    Case("identity", "bearer", "app", IDENTITY_FILE, "", {"tokens": {IDENTITY}, "bearer": {TOKEN}, **SIGNED}),
    Case("mirror, options", "basic", "app", MIRRORED + OPTIONS, "", {**BASIC, **SIGNED}),
    Case("mirror, file", "bearer", "app", MIRRORED + FILE, "", {**BEARER, **SIGNED}),
    Case("warnings", "bearer", "warned", OPTIONS, "", BEARER),
    Case("basic, denied", "basic", "denied", OPTIONS, "denied", BASIC),
    Case("bearer, denied", "bearer", "denied", FILE, "denied", BEARER),
    Case("basic, wrong", "basic", "app", OPTIONS, "unauthorized", {"basic": {WRONG}}, WRONG),
    Case("bearer, wrong", "bearer", "app", FILE, "unauthorized", {"tokens": {WRONG}}, WRONG),
    Case("identity, wrong", "bearer", "app", IDENTITY_FILE, "unauthorized", {"tokens": {WRONG}}, WRONG),
    Case("storage refuses", "basic", "signed", OPTIONS, "denied", {**BASIC, **SIGNED}),
    Case("storage is down", "bearer", "lost", OPTIONS, "registry_unreachable", BEARER),
    Case("redirected for ever", "basic", "loop", OPTIONS, "unsafe_redirect", {"basic": {PASSWORD, SIGNATURE}}),
    Case("redirected with a password", "basic", "named", OPTIONS, "bad_address", BASIC),
]
# What Ansible shows of a task is the same for all of one kind: credentials of each kind, right, wrong and denied.
PLAYED = {
    *("bearer", "basic by file", "identity", "mirror, options", "warnings"),
    *("bearer, denied", "basic, wrong", "identity, wrong", "redirected with a password"),
}


@pytest.fixture(scope="module")
def world(judges: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with talkative_world(str(tmp_path_factory.mktemp("world"))) as world:
        yield world


@pytest.fixture
def options(world: World, tmp_path: Path, policy_file: str) -> Callable[[Case, Store], dict[str, Any]]:
    """The options of image_pull for a case."""
    files = _Files(world, tmp_path)

    def of(case: Case, store: Store) -> dict[str, Any]:
        common = {"signature_policy": policy_file, "validate_certs": False, "retries": 0, "timeout": 10}
        name = world[case.server].reference(f"{case.repository}:1")
        return {**store.module_options(), **common, **files.credentials(case), "name": name}

    return of


@dataclass(frozen=True)
class _Files:
    world: World
    directory: Path

    def credentials(self, case: Case) -> dict[str, str]:
        options = {}
        host = self.world[case.server].host
        if case.ways.startswith(MIRRORED):
            mirror = self.world["mirror"].host
            conf = f'[[registry]]\nlocation = "{host}"\n[[registry.mirror]]\nlocation = "{mirror}"\n'
            options["registries_conf"] = self._write("registries.conf", conf)
        if case.ways.endswith(OPTIONS):
            return {**options, "username": USER, "password": case.secret.text}
        if case.ways.endswith(FILE):
            entry = {"auth": base64.b64encode(f"{USER}:{case.secret.text}".encode()).decode()}
        else:
            identity = IDENTITY if case.secret is PASSWORD else case.secret
            entry = {"auth": base64.b64encode(b"nobody:").decode(), "identitytoken": identity.text}
        name = f"auth-{case.name.replace(' ', '-')}.json"
        return {**options, "authfile": self._write(name, json.dumps({"auths": {host: entry}}))}

    def _write(self, name: str, text: str) -> str:
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        return str(path)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_secret_reaches_its_host_alone_and_shows_nowhere(
    world: World, options: Callable[[Case, Store], dict[str, Any]], make_store: Callable[[str], Store], case: Case
) -> None:
    world.forget()
    store = make_store("store")
    result = run_module("image_pull", options(case, store), verbosity=4)
    _check_outcome(case, result.data, result.text)
    assert world.heard() == {name: {secret.name for secret in case.heard.get(name, ())} for name in world.servers}
    if case.ways.startswith(MIRRORED):
        assert world["mirror"].heard, "the mirror was to be asked"
    if not case.code:
        assert world["foreign"].requests() == ["GET /layer"]
        assert all(not heard.header("Authorization") for heard in world["foreign"].heard)
    assert files_with(SECRETS, store.base) == {}


def test_check_mode_and_diff_mode_are_as_silent(
    world: World, options: Callable[[Case, Store], dict[str, Any]], make_store: Callable[[str], Store]
) -> None:
    for case in CASES[:8]:
        world.forget()
        result = run_module("image_pull", options(case, make_store(case.name.replace(" ", ""))), check=True, diff=True)
        assert result.changed and shown(SECRETS, result.text) == [], result.text
        assert world.heard()["basic" if case.server == "basic" else "tokens"], "somebody was to be told"


def test_ansible_shows_nothing_at_any_verbosity_and_keeps_arguments_only(
    world: World, options: Callable[[Case, Store], dict[str, Any]], run_playbook: PlaybookRunner, tmp_path: Path
) -> None:
    """One play at -vvvv, with the files that Ansible leaves on the target when it is told to keep them; all cases in the long run."""
    world.forget()
    cases = [case for case in CASES if case.name in PLAYED or os.environ.get("STRATA_TEST_LONG")]
    with scratch_stores() as make_store:
        tasks = [
            {
                "name": case.name,
                "ignore_errors": True,
                "strata.containers.image_pull": options(case, make_store(str(number))),
            }
            for number, case in enumerate(cases)
        ]
        kept = tmp_path / "remote"
        env = {"ANSIBLE_KEEP_REMOTE_FILES": "true", "ANSIBLE_REMOTE_TMP": str(kept), "ANSIBLE_LOG_PATH": ""}
        played = run_playbook(tasks, verbosity=4, diff=True, env=env)
    assert len(played.results) == len(cases) >= len(PLAYED), played.stdout
    for case in cases:
        _check_outcome(case, played.result(case.name), json.dumps(played.result(case.name), ensure_ascii=False))
    assert shown(SECRETS, played.stdout) == []
    assert {secret for told in world.heard().values() for secret in told} >= {"password", "token", "identity token"}
    # The module with its arguments in it is what Ansible copied, and kept for us; it is all that there is.
    holders = files_with(SECRETS, str(kept))
    assert holders and {os.path.basename(path) for path in holders} == {"AnsiballZ_image_pull.py"}
    assert {name for names in holders.values() for name in names} == {"password", "wrong password"}


def _check_outcome(case: Case, result: dict[str, Any], text: str) -> None:
    assert bool(result.get("error")) is bool(case.code), text
    assert (result.get("error") or {}).get("code", "") == case.code, text
    assert bool(result["changed"]) is not bool(case.code)
    assert shown(SECRETS, text) == [], text
    if case.repository == "warned":
        assert "you sent" in json.dumps(result["warnings"]), "the warnings were to be passed on"


class TestProcesses:
    def test_the_watch_sees_what_there_is_to_see(self) -> None:
        script = "import time; time.sleep(30)"
        process = subprocess.Popen(
            [sys.executable, "-c", script, PASSWORD.text], env={**os.environ, "ANY": TOKEN.plain}
        )
        try:
            with watched_processes(SECRETS) as watch:
                _wait(lambda: len(watch.found) >= 2)
            assert watch.found == {("cmdline", process.pid, "password"), ("environ", process.pid, "token")}
        finally:
            process.kill()
            process.wait()

    @pytest.mark.parametrize("ways", [OPTIONS, FILE, IDENTITY_FILE])
    def test_no_process_shows_a_secret_while_a_pull_is_at_work(
        self, judges: None, tmp_path: Path, policy_file: str, make_store: Callable[[str], Store], ways: str
    ) -> None:
        """The storage is slow: the pull with all its helpers is there to be looked at for a second."""
        with talkative_world(str(tmp_path / "world"), pause=0.1) as world:
            case = Case("slow", "bearer", "app", ways, "", {})
            options = {"signature_policy": policy_file, "validate_certs": False, "retries": 0}
            name = world["bearer"].reference("app:1")
            arguments = {**options, **_Files(world, tmp_path).credentials(case), "name": name}
            with watched_processes(SECRETS) as watch:
                result = _run({**make_store("store").module_options(), **arguments})
            assert result["changed"], result
            assert watch.rounds > 5 and watch.found == set()
            assert TOKEN.is_in(world["bearer"].text())

    def test_a_proxy_password_of_the_environment_is_not_handed_to_the_helpers(
        self, world: World, policy_file: str, make_store: Callable[[str], Store]
    ) -> None:
        """Whoever starts the module has it in its environment, and the module inherits it; there it ends."""
        login = Login("proxy", PROXY_PASSWORD.text)
        route = "registry.tests.invalid:5000"
        with talkative_world(make_store("world").base, pause=0.1) as slow, Proxy({}, login) as proxy:
            proxy.routes = {route: slow["basic"].host, **{server.host: server.host for server in slow.servers.values()}}
            arguments = {
                **make_store("store").module_options(),
                "signature_policy": policy_file,
                "validate_certs": False,
                "retries": 0,
                "name": f"{route}/app:1",
                "username": USER,
                "password": PASSWORD.text,
            }
            with watched_processes(SECRETS) as watch:
                process = module_process("image_pull", arguments, env=proxy.environment(login))
                output, errors = process.communicate()
            text = output.decode() + errors.decode()
            assert json.loads(output)["changed"], text
            assert shown(SECRETS, text) == []
            assert all(entry.header("Proxy-Authorization") for entry in proxy.asked if entry.method != "CONNECT")
            assert watch.found == {("environ", process.pid, "proxy password")}
            assert not any(PROXY_PASSWORD.is_in(server.text()) for server in slow.servers.values())
            # And the registry's password is not for the proxy: it passes in a request to an http registry, not in a tunnel.
            assert not any(entry.header("Authorization") for entry in proxy.asked if entry.method == "CONNECT")


def _run(arguments: dict[str, Any]) -> dict[str, Any]:
    """By a process of its own, which can be looked at from its start on."""
    result = module_result("image_pull", module_process("image_pull", arguments))
    assert shown(SECRETS, result.text) == []
    return result.data


def _wait(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not seen() and time.monotonic() < deadline:
        time.sleep(0.01)
