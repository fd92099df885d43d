# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""skopeo and our gate agree on which policies are well-formed, and on which images they let in."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.paths import ConfigPaths
from ansible_collections.strata.containers.plugins.module_utils._config.policy_file import find_policy
from ansible_collections.strata.containers.plugins.module_utils._model.reference import parse_reference
from ansible_collections.strata.containers.plugins.module_utils._trust.judge import Verdict, judge
from ansible_collections.strata.containers.plugins.module_utils._trust.policy import parse_policy
from ansible_collections.strata.containers.plugins.module_utils._trust.scope import docker_scopes
from ansible_collections.strata.containers.plugins.module_utils._trust.strict_json import InvalidPolicy
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust import policy_cases as cases
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.subjects import NO_TOOLS, subject
from lab.fixtures import push
from lab.odd_images import GZIP, Entry, ImageLayout, make_tar
from lab.registry import running_registry

SEED = 20260401
SAMPLES = 1000 if os.environ.get("STRATA_TEST_LONG") else 60

LISTS = [
    [cases.ACCEPT],
    [cases.REJECT],
    [cases.ACCEPT, cases.ACCEPT],
    [cases.ACCEPT, cases.REJECT],
    [cases.REJECT, cases.ACCEPT],
    [cases.ACCEPT, cases.SIGNED_BY],
    [cases.SIGSTORE],
]


@dataclass(frozen=True)
class Shelf:
    """A registry with images, and how they can be named."""

    host: str
    names: tuple[str, ...]


@pytest.fixture(scope="module")
def shelf(judges: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    directory = tmp_path_factory.mktemp("policy")
    with running_registry(str(directory)) as registry:
        layout = ImageLayout(str(directory / "layout"))
        descriptor = layout.add_image("tiny", [(gzip.compress(make_tar([Entry("file")]), mtime=0), GZIP)])
        repositories = [registry.reference(path) for path in ("app", "ns/app", "ns/sub/app", "nsx/app")]
        for repository in repositories:
            push(layout, "tiny", f"{repository}:v1")
        names = [f"{repository}{rest}" for repository in repositories for rest in (":v1", f"@{descriptor['digest']}")]
        yield Shelf(registry.host, tuple(names))


def loads(policy: str, directory: Path) -> bool:
    """Whether skopeo gets past the policy; it reads that first, and then finds no image."""
    path = directory / "policy.json"
    path.write_text(policy, encoding="utf-8")
    command = ["skopeo", "--policy", str(path), "copy", f"dir:{directory}/nothing", f"dir:{directory}/copy"]
    done = subprocess.run(command, stderr=subprocess.PIPE, check=False, text=True)
    assert done.returncode != 0
    refused = "invalid policy in" in done.stderr
    assert refused or "no such file or directory" in done.stderr, done.stderr
    return not refused


@pytest.mark.parametrize("name", cases.VALID)
def test_skopeo_accepts_the_policies_that_we_accept(judges: None, tmp_path: Path, name: str) -> None:
    assert loads(cases.VALID[name], tmp_path)


@pytest.mark.parametrize("name", cases.INVALID)
def test_skopeo_refuses_the_policies_that_we_refuse(judges: None, tmp_path: Path, name: str) -> None:
    assert not loads(cases.INVALID[name][0], tmp_path)


def test_generated_policies_are_well_formed_for_both_or_for_none(judges: None, tmp_path: Path) -> None:
    dice = random.Random(SEED)
    pieces = [*cases.VALID.values(), *(text for text, _place in cases.INVALID.values())]
    for _sample in range(SAMPLES):
        text = mutated(dice, dice.choice(pieces))
        try:
            parse_policy(text.encode("utf-8"), "policy.json")
            ours = True
        except InvalidPolicy:
            ours = False
        assert loads(text, tmp_path) is ours, text


def mutated(dice: random.Random, text: str) -> str:
    """``text`` with one token taken away, doubled or replaced by another."""
    tokens = json.dumps(text)[1:-1].replace('\\"', '"').split(" ")
    place = dice.randrange(len(tokens))
    change = dice.randrange(3)
    if change == 0:
        del tokens[place]
    elif change == 1:
        tokens.insert(place, tokens[place])
    else:
        tokens[place] = dice.choice(["{}", "[]", '""', "1", "true", '"reject"', '{"type":'])
    return " ".join(tokens)


def lets_in(name: str, policy: str, directory: Path) -> tuple[bool, str]:
    """Whether skopeo copies the image under the policy, and what it said."""
    path = directory / "policy.json"
    path.write_text(policy, encoding="utf-8")
    command = ["skopeo", "--policy", str(path), "copy", "--src-tls-verify=false", f"docker://{name}"]
    done = subprocess.run([*command, f"dir:{directory}/copy"], capture_output=True, check=False, text=True)
    return done.returncode == 0, done.stderr


def ours(name: str, policy: str) -> Verdict:
    reference = parse_reference(name)
    parsed = parse_policy(policy.encode("utf-8"), "policy.json")
    return judge(parsed, "docker", docker_scopes(reference), subject(str(reference)), NO_TOOLS)


def generated(dice: random.Random, shelf: Shelf, name: str) -> str:
    """A policy with a few scopes, most of them about ``name``, the rest near misses."""
    near_misses = [
        shelf.host.partition(":")[0],
        f"*.0.0.1:{shelf.host.partition(':')[2]}",
        f"{shelf.host}/n",
        f"{shelf.host}/ns/",
        f"{shelf.host}/app:v2",
        "*.127.0.0.1",
        "docker.io",
        "app:v1",
    ]
    chosen = dice.sample([*docker_scopes(parse_reference(name)), *near_misses], dice.randrange(5))
    scopes = {scope: dice.choice(LISTS) for scope in chosen}
    return json.dumps({"default": dice.choice(LISTS), "transports": {"docker": scopes, "dir": {"": [cases.REJECT]}}})


def test_generated_policies_let_the_same_images_in(shelf: Shelf, tmp_path: Path) -> None:
    dice = random.Random(SEED)
    seen = set()
    for _sample in range(SAMPLES):
        name = dice.choice(shelf.names)
        policy = generated(dice, shelf, name)
        verdict = ours(name, policy)
        accepted, said = lets_in(name, policy, tmp_path)
        assert accepted is verdict.accepted, f"{name}: {policy}: we say {verdict}, skopeo says {said}"
        if verdict.code == "policy_refused":
            assert "Source image rejected: Running image" in said and "is rejected by policy" in said, said
        seen.add(verdict.code)
    assert seen >= {"accepted", "policy_refused", "signature_missing"}


@pytest.mark.parametrize(
    ("home_has", "lets_in_wanted"), [("nothing", False), ("policy", True), ("dangling link", False)]
)
def test_the_policy_of_the_home_directory_goes_before_the_one_of_the_system(
    shelf: Shelf, tmp_path: Path, home_has: str, lets_in_wanted: bool
) -> None:
    users = tmp_path / "home/.config/containers/policy.json"
    users.parent.mkdir(parents=True)
    if home_has == "policy":
        users.write_text(cases.default(cases.ACCEPT), encoding="utf-8")
    elif home_has == "dangling link":
        users.symlink_to("nowhere")
    system = tmp_path / "etc/containers/policy.json"
    system.parent.mkdir(parents=True)
    system.write_text(cases.default(cases.REJECT), encoding="utf-8")
    paths = ConfigPaths(home=str(tmp_path / "home"), uid=0, root=str(tmp_path))
    _path, data = find_policy(paths, "")
    assert ours(shelf.names[0], data.decode()).accepted is lets_in_wanted
    # The same for skopeo, in a mount namespace where /etc/containers is ours.
    script = f"mount --bind {tmp_path}/etc/containers /etc/containers && exec skopeo copy --src-tls-verify=false $0 $1"
    command = ["unshare", "-m", "sh", "-c", script, f"docker://{shelf.names[0]}", f"dir:{tmp_path}/copy"]
    done = subprocess.run(command, env={**os.environ, "HOME": paths.home}, capture_output=True, check=False, text=True)
    assert (done.returncode == 0) is lets_in_wanted, done.stderr
