# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verbs of logging in and out: first the registry is asked, then the first place that can keeps the login."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._engine.login import InvalidUser, LoginKeeper
from ansible_collections.strata.containers.plugins.module_utils._errors import RemoteError, StrataError
from ansible_collections.strata.containers.plugins.module_utils._host.commands import Finished
from ansible_collections.strata.containers.plugins.module_utils._model.credentials import Credentials
from ansible_collections.strata.containers.plugins.module_utils._model.login_name import parse_login_name
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._config.config_host import FakeHost
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._config.fake_helpers import FakeHelpers

RUN = "/run/containers/0/auth.json"
FILES = "containers-auth.json"
QUAY = parse_login_name("quay.io")
PASSWORD = "s3cr3t"
AUTHS = {"auths": {"quay.io": {"auth": base64.b64encode(f"user:{PASSWORD}".encode()).decode()}}}
LOCKED = Finished(1, b"locked")


class Desk:
    """Logs in and out on a host made of files; ``asked`` is who was shown to the registry."""

    def __init__(self, base: Path, helpers: tuple[str, ...] = (FILES,), check_mode: bool = False, **programs: Any):
        self.host = FakeHost(base)
        self.reporter = Reporter()
        self.programs = FakeHelpers(programs)
        self.keeper = LoginKeeper(
            self.host.paths(), self.reporter, helpers=helpers, check_mode=check_mode, run=self.programs
        )
        self.asked: list[Credentials] = []

    def content(self) -> Any:
        path = self.host.path(RUN)
        return json.loads(Path(path).read_text(encoding="utf-8")) if os.path.exists(path) else None


def test_a_login_is_kept_after_the_registry_took_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    outcome = desk.keeper.log_in(QUAY, "user", PASSWORD, desk.asked.append)
    path = desk.host.path(RUN)
    assert outcome.changed and desk.content() == AUTHS
    assert outcome.facts == {"registry": "quay.io", "username": "user", "authfile": path, "credentials": path}
    assert desk.asked == [Credentials("user", PASSWORD, origin="the options of the task")]
    again = desk.keeper.log_in(QUAY, "user", PASSWORD, desk.asked.append)
    assert not again.changed and again.facts == outcome.facts and len(desk.asked) == 2
    assert PASSWORD not in repr((outcome, desk.reporter.steps))


@pytest.mark.parametrize("check_mode", [False, True])
def test_nothing_is_kept_that_the_registry_does_not_take(tmp_path: Path, check_mode: bool) -> None:
    def refuse(_credentials: Credentials) -> None:
        raise RemoteError("no", code="unauthorized", status=401)

    desk = Desk(tmp_path, (FILES, "fake"), check_mode, fake={})
    with pytest.raises(RemoteError):
        desk.keeper.log_in(QUAY, "user", PASSWORD, refuse)
    assert os.listdir(tmp_path) == [] and desk.programs.asked == []


def test_check_mode_asks_the_registry_and_writes_nothing(tmp_path: Path) -> None:
    kept: dict[str, Any] = {"quay.io": ("user", "old")}
    for helpers in ((FILES,), ("fake",)):
        desk = Desk(tmp_path, helpers, check_mode=True, fake=kept)
        outcome = desk.keeper.log_in(QUAY, "user", PASSWORD, desk.asked.append)
        assert outcome.changed and len(desk.asked) == 1
        assert outcome.before != outcome.after
    assert os.listdir(tmp_path) == [] and kept == {"quay.io": ("user", "old")}
    assert desk.keeper.log_out(QUAY).changed and desk.keeper.log_out_everywhere().changed
    assert kept == {"quay.io": ("user", "old")}


@pytest.mark.parametrize(
    ("programs", "place"),
    [
        ({"fake": {}}, "docker-credential-fake (credential-helpers of registries.conf)"),
        ({"fake": LOCKED}, RUN),
        ({}, RUN),
    ],
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_the_first_place_that_can_keeps_it_as_with_podman(
    tmp_path: Path, programs: dict[str, Any], place: str, check_mode: bool
) -> None:
    desk = Desk(tmp_path, ("fake", FILES), check_mode, **programs)
    outcome = desk.keeper.log_in(QUAY, "user", PASSWORD, desk.asked.append)
    assert outcome.facts["credentials"] == (desk.host.path(place) if place == RUN else place)


def test_a_namespace_goes_past_helpers(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ("fake", FILES), fake={})
    desk.keeper.log_in(parse_login_name("quay.io/ns"), "user", PASSWORD, desk.asked.append)
    assert list(desk.content()["auths"]) == ["quay.io/ns"]


@pytest.mark.parametrize(("helpers", "code"), [(("gone", "fake"), "credential_helper_missing"), ((), "host")])
def test_no_place_is_an_error(tmp_path: Path, helpers: tuple[str, ...], code: str) -> None:
    desk = Desk(tmp_path, helpers, fake=LOCKED)
    with pytest.raises(StrataError) as caught:
        desk.keeper.log_in(QUAY, "user", PASSWORD, desk.asked.append)
    assert caught.value.code == code


def test_a_logout_asks_no_registry_and_goes_through_all_places(tmp_path: Path) -> None:
    kept = {"quay.io": ("user", "p"), "z.io": ("user", "p")}
    desk = Desk(tmp_path, ("fake", FILES), fake=kept)
    desk.host.write(RUN, json.dumps(AUTHS))
    outcome = desk.keeper.log_out(QUAY)
    assert outcome.changed and set(outcome.before) == {
        desk.host.path(RUN),
        "docker-credential-fake (credential-helpers of registries.conf)",
    }
    assert outcome.facts["credentials"] is None and outcome.facts["username"] is None
    assert desk.content() == {"auths": {}} and list(kept) == ["z.io"]
    assert not desk.keeper.log_out(QUAY).changed
    everything = desk.keeper.log_out_everywhere()
    assert everything.changed and kept == {} and everything.facts["registry"] is None
    assert not desk.keeper.log_out_everywhere().changed


def test_a_logout_warns_of_credentials_that_another_tool_keeps(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    docker = desk.host.write("~/.docker/config.json", json.dumps(AUTHS))
    desk.host.write("~/.config/containers/auth.json", "")
    assert not desk.keeper.log_out(parse_login_name("other.io")).changed
    assert desk.reporter.warnings == []
    assert not desk.keeper.log_out(QUAY).changed
    assert desk.reporter.warnings == [f"{docker} still has credentials for quay.io"]


@pytest.mark.parametrize(("username", "password"), [("", "p"), ("u", ""), ("a:b", "p")])
def test_users_that_cannot_be_written_down_are_refused_first(tmp_path: Path, username: str, password: str) -> None:
    desk = Desk(tmp_path)
    with pytest.raises(InvalidUser):
        desk.keeper.log_in(QUAY, username, password, desk.asked.append)
    assert desk.asked == []
