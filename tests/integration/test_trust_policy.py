# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""trust_policy: one list of a policy changes, and podman and skopeo agree on what the file says then."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

import pytest
from lab.commands import run
from lab.logins import Done
from lab.modules import run_module
from lab.playbook import PlaybookRunner
from lab.trees import snapshot

ACCEPT = {"type": "insecureAcceptAnything"}
REJECT = {"type": "reject"}
SIGNED_BY = {"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/etc/pki/containers/key.gpg"}
SCOPE = "registry.example.com/team"


class Desk:
    """Changes the policy in ``file``: through ansible-playbook with ``play``, else by the module alone."""

    def __init__(self, directory: Path, play: Optional[PlaybookRunner] = None) -> None:
        self._play = play
        self.directory = directory
        self.file = directory / "policy.json"

    def write(self, policy: Any) -> None:
        self.directory.mkdir(exist_ok=True)
        self.file.write_text(policy if isinstance(policy, str) else json.dumps(policy), encoding="utf-8")

    def read(self) -> Any:
        return json.loads(self.file.read_text(encoding="utf-8"))

    def __call__(self, *, check: bool = False, **options: Any) -> Done:
        arguments = {"path": str(self.file), **options}
        if self._play is None:
            result = run_module("trust_policy", arguments, check=check)
            return Done(result.data, result.text)
        task = {"name": "task", "strata.containers.trust_policy": arguments}
        played = self._play([task], check=check, diff=True, verbosity=4)
        done = Done(played.result("task"), played.stdout)
        assert (played.rc != 0) is done.failed, played.stdout
        return done

    def four_ways(self, **options: Any) -> Mapping[str, Any]:
        """Check (predicts, writes nothing), do (changed), check again, do again (nothing written). The result of the do."""
        untouched = snapshot(str(self.directory))
        predicted = self(check=True, **options)
        assert predicted.changed and not predicted.failed, predicted.text
        assert snapshot(str(self.directory)) == untouched
        done = self(**options)
        assert done.changed and not done.failed, done.text
        assert predicted.data["diff"] == done.data["diff"]
        assert set(predicted.data) == set(done.data)
        assert predicted.data["policy"] == done.data["policy"] == self.read()
        settled = snapshot(str(self.directory))
        for check in (True, False):
            again = self(check=check, **options)
            assert not again.changed and not again.failed, again.text
            assert snapshot(str(self.directory)) == settled
        return done.data


@pytest.fixture
def desk(judges: None, tmp_path: Path) -> Desk:
    """For what has been seen through Ansible: a play takes seconds."""
    return Desk(tmp_path / "containers")


@pytest.fixture
def played(judges: None, run_playbook: PlaybookRunner, tmp_path: Path) -> Desk:
    return Desk(tmp_path / "containers", run_playbook)


def podman_shows(file: Path) -> list[tuple[str, str, str]]:
    """Transport, name and type of each entry, as podman lists them."""
    listed = json.loads(run(["podman", "image", "trust", "show", "--json", "--policypath", str(file)]))
    return sorted((entry["transport"], entry.get("repo_name", ""), entry["type"]) for entry in listed)


def skopeo_reads(file: Path) -> bool:
    """Whether skopeo gets past the policy; it reads that first, and then finds no image."""
    nothing = file.parent / "nothing"
    command = ["skopeo", "--policy", str(file), "copy", f"dir:{nothing}", f"dir:{nothing}"]
    said = subprocess.run(command, stderr=subprocess.PIPE, check=False, text=True).stderr
    assert ("invalid policy in" in said) is not ("no such file or directory" in said), said
    return "invalid policy in" not in said


def warnings_of(done: Done) -> str:
    """What the module warned of: a text, or whatever this ansible-core makes of one."""
    return "\n".join(w if isinstance(w, str) else w["event"]["msg"] for w in done.data.get("warnings", []))


class TestThroughAnsible:
    def test_a_scope_comes_changes_and_goes(self, played: Desk) -> None:
        before = {"default": [REJECT], "transports": {"docker": {"docker.io": [ACCEPT]}, "oci": {}}}
        played.write(before)
        done = played.four_ways(scope=SCOPE, requirements=[SIGNED_BY])
        assert done["policy_file"] == str(played.file)
        place = f'transports.docker["{SCOPE}"]'
        assert done["diff"] == {"before": {place: None}, "after": {place: [SIGNED_BY]}}
        assert [step["action"] for step in done["steps"]] == ["wrote"]
        assert skopeo_reads(played.file)
        played.four_ways(scope=SCOPE, state="absent")
        assert played.read() == before

    def test_a_wrong_requirement_is_refused_with_its_place(self, played: Desk) -> None:
        played.write({"default": [REJECT]})
        before = snapshot(str(played.directory))
        wrong = {"type": "signedBy", "keyType": "GPGKeys", "keypath": "/key.gpg"}
        for check in (True, False):
            refused = played(check=check, scope=SCOPE, requirements=[ACCEPT, wrong])
            assert refused.failed and not refused.changed and refused.code == "invalid_requirement"
            assert f'transports.docker["{SCOPE}"][1]: unknown key "keypath"' in refused.message
            assert "Traceback" not in refused.text
        assert snapshot(str(played.directory)) == before


class TestPodman:
    def test_it_shows_what_we_wrote(self, desk: Desk) -> None:
        desk.four_ways(default=[REJECT])
        desk.four_ways(scope="docker.io", requirements=[ACCEPT])
        desk.four_ways(scope="", requirements=[REJECT])
        desk.four_ways(scope="quay.io/ns", requirements=[REJECT])
        desk.four_ways(scope="quay.io/ns", requirements=[ACCEPT])
        assert podman_shows(desk.file) == [
            ("all", "default", "reject"),
            ("repository", "", "reject"),
            ("repository", "docker.io", "accept"),
            ("repository", "quay.io/ns", "accept"),
        ]

    def test_it_writes_the_same_policy_for_the_same_wish(self, desk: Desk, tmp_path: Path) -> None:
        key = tmp_path / "key.gpg"
        key.write_bytes(b"")
        theirs = tmp_path / "podman.json"
        start = json.dumps({"default": [REJECT], "transports": {"docker": {"a.io": [ACCEPT]}}})
        desk.write(start)
        theirs.write_text(start, encoding="utf-8")
        podman = ["podman", "image", "trust", "set", "--policypath", str(theirs)]
        for options, wish in (
            (["-t", "accept", "default"], {"default": [ACCEPT]}),
            (["-t", "reject", "quay.io"], {"scope": "quay.io", "requirements": [REJECT]}),
            (
                ["-f", str(key), "a.io"],
                {"scope": "a.io", "requirements": [{**SIGNED_BY, "keyPath": str(key)}]},
            ),
        ):
            run([*podman, *options])
            assert desk(**wish).changed
            assert desk.read() == json.loads(theirs.read_text(encoding="utf-8"))
            # What podman wrote is ours already.
            desk.write(theirs.read_text(encoding="utf-8"))
            assert not desk(**wish).changed


class TestTheFile:
    def test_one_that_is_missing_is_made_with_a_default_alone(self, desk: Desk) -> None:
        for check in (True, False):
            refused = desk(check=check, scope=SCOPE, requirements=[ACCEPT])
            assert refused.failed and refused.code == "no_policy" and "needs a default" in refused.message
            gone = desk(check=check, scope=SCOPE, state="absent")
            assert not gone.failed and not gone.changed and gone.data["policy"] is None
            assert not desk.directory.exists()
        old = os.umask(0o077)
        try:
            done = desk.four_ways(default=[REJECT], scope=SCOPE, requirements=[ACCEPT])
        finally:
            os.umask(old)
        assert done["diff"]["before"] == {"default": None, f'transports.docker["{SCOPE}"]': None}
        assert [path.stat().st_mode & 0o777 for path in (desk.directory, desk.file)] == [0o755, 0o644]
        assert skopeo_reads(desk.file)

    def test_it_keeps_owner_mode_and_link(self, desk: Desk, tmp_path: Path) -> None:
        desk.write({"default": [REJECT]})
        desk.file.chmod(0o600)
        os.chown(desk.file, 12345, 23456)
        real = desk.file
        desk.file = tmp_path / "link.json"
        desk.file.symlink_to(real)
        assert desk(default=[ACCEPT]).changed
        status = real.stat()
        assert desk.file.is_symlink() and json.loads(real.read_bytes()) == {"default": [ACCEPT]}
        assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (12345, 23456, 0o600)

    @pytest.mark.parametrize("content", ["", "{", '{"default": []}', '{"default": [{"type": "reject"}], "x": 1}'])
    def test_a_malformed_one_is_an_error_and_stays(self, desk: Desk, content: str) -> None:
        desk.write(content)
        assert not skopeo_reads(desk.file)
        for wish in ({"default": [REJECT]}, {"scope": SCOPE, "state": "absent"}):
            refused = desk(**wish)
            assert refused.failed and refused.code == "invalid_policy" and str(desk.file) in refused.message
            assert desk.file.read_text(encoding="utf-8") == content

    def test_it_is_the_users_where_they_have_one(self, desk: Desk, tmp_path: Path) -> None:
        """As root in a mount namespace where the home of root and /etc/containers are the test's own."""
        system, home, users = tmp_path / "etc", tmp_path / "home", tmp_path / "passwd"
        for directory in (system, home / ".config/containers"):
            directory.mkdir(parents=True)
        users.write_text(f"root:x:0:0:root:{home}:/bin/sh\n", encoding="utf-8")
        script = f'mount --bind {system} /etc/containers && mount --bind {users} /etc/passwd && exec "$@"'
        prefix = ["unshare", "-m", "sh", "-c", script, "sh"]
        wish = {"default": [REJECT]}
        first = run_module("trust_policy", wish, prefix=prefix)
        assert first["policy_file"] == "/etc/containers/policy.json" and (system / "policy.json").exists()
        (home / ".config/containers/policy.json").write_text(json.dumps({"default": [ACCEPT]}), encoding="utf-8")
        second = run_module("trust_policy", wish, prefix=prefix)
        assert second["policy_file"] == str(home / ".config/containers/policy.json") and second.changed
        assert not run_module("trust_policy", wish, prefix=prefix).changed


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "neither": ({}, "", "one of the following is required: scope, default"),
    "no requirements": ({"scope": SCOPE}, "usage", "needs requirements"),
    "requirements of nothing": ({"default": [REJECT], "requirements": [REJECT]}, "", "missing parameter"),
    "absent with requirements": ({"scope": SCOPE, "state": "absent", "requirements": [REJECT]}, "usage", "absent"),
    "absent default": ({"default": [REJECT], "state": "absent"}, "", "missing: scope"),
    "no list": ({"scope": SCOPE, "requirements": []}, "invalid_requirement", "must not be empty"),
    "empty default": ({"default": []}, "invalid_requirement", "default: the array must not be empty"),
    "case of the type": ({"default": [{"type": "Reject"}]}, "invalid_requirement", "default[0].type"),
    "scope of a directory": (
        {"transport": "dir", "scope": "relative", "requirements": [REJECT]},
        "invalid_requirement",
        "not a scope of the transport dir",
    ),
}


class TestRefusals:
    @pytest.mark.parametrize("name", WRONG)
    def test_nothing_is_written(self, desk: Desk, name: str) -> None:
        desk.write({"default": [ACCEPT]})
        before = snapshot(str(desk.directory))
        wish, code, words = WRONG[name]
        refused = desk(**wish)
        assert refused.failed and not refused.changed
        assert refused.code == code and words in refused.message, refused.message
        assert snapshot(str(desk.directory)) == before


class TestWarnings:
    @pytest.mark.parametrize("scope", ["busybox", "default", "https://quay.io", "quay.io/", "*.example.com/ns"])
    def test_a_scope_that_never_applies_is_told(self, desk: Desk, scope: str) -> None:
        desk.write({"default": [REJECT]})
        done = desk(scope=scope, requirements=[ACCEPT])
        assert done.changed and f'transports.docker["{scope}"] is never applied' in warnings_of(done)
        assert skopeo_reads(desk.file)
        assert not warnings_of(desk(scope=scope, state="absent"))

    def test_so_is_a_proof_that_is_not_asked_for(self, desk: Desk) -> None:
        desk.write({"default": [REJECT]})
        empty = {"type": "sigstoreSigned", "keyPath": "/key.pub", "rekorPublicKeyPath": ""}
        assert "no proof from Rekor" in warnings_of(desk(scope=SCOPE, requirements=[empty]))
        assert not warnings_of(desk(scope=SCOPE, requirements=[ACCEPT]))
