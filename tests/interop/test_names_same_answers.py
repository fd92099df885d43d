# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What skopeo and podman make of generated names and of several registries files together, we make of them, too.

Names: accepted or refused, and the normal form. Files: the places that are asked, in order. Short names: the candidates,
where podman looks in its store, and whom it asks then.
"""

from __future__ import annotations

import os
import random
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.paths import ConfigPaths
from ansible_collections.strata.containers.plugins.module_utils._config.registries_conf import (
    RegistriesConf,
    RegistryBlocked,
    load_registries_conf,
)
from ansible_collections.strata.containers.plugins.module_utils._config.short_names import (
    ShortNameEnforced,
    ShortNames,
    ShortNameUnresolved,
    load_short_names,
)
from ansible_collections.strata.containers.plugins.module_utils._config.toml_file import InvalidConfig
from ansible_collections.strata.containers.plugins.module_utils._model.reference import (
    InvalidReference,
    Reference,
    parse_reference,
)
from ansible_collections.strata.containers.plugins.module_utils._model.short_name import parse_short_name
from lab.config_host import EXPLICIT, Asked, ScratchHost, ToolLog
from lab.registries_generator import DIGEST, furnish, mutated_name

SEED = 20261128
LONG = bool(os.environ.get("STRATA_TEST_LONG"))
NAMES, FILES, SHORT = (20000, 3000, 3000) if LONG else (150, 120, 100)

INVALID = "invalid configuration"
BLOCKED = "blocked"
UNRESOLVED = "did not resolve to an alias"
ENFORCED = "cannot prompt without a TTY"
UNREWRITABLE = "no name after rewriting"

# The texts that skopeo and we have in common; each is looked for in this order.
REFUSALS = (
    "repository name must be lowercase",
    "invalid reference format",
    "repository name must not be more than 255 characters",
    "cannot specify 64-byte hexadecimal strings",
    "invalid checksum digest format",
    "invalid checksum digest length",
    "unsupported digest algorithm",
)


@pytest.fixture
def host(judges: None) -> Iterator[ScratchHost]:
    # podman takes no run root of more than 50 characters, which pytest's own directories exceed.
    with tempfile.TemporaryDirectory(prefix="st-") as base:
        yield ScratchHost(Path(base))


def paths_of(host: ScratchHost) -> ConfigPaths:
    return ConfigPaths(home=str(host.base / "home"), uid=0, root=str(host.base))


def our_answer(text: str) -> str:
    """The normal form of ``text``, or why it is refused."""
    try:
        return str(parse_reference(text).with_default_tag())
    except InvalidReference as error:
        return next(refusal for refusal in REFUSALS if refusal in error.message)


def skopeos_answer(host: ScratchHost, text: str) -> str:
    log = host.skopeo(text)
    if log.asked:
        return log.asked[0].name
    if "both a tag and digest" in log.error:
        return "tag and digest"
    return next((refusal for refusal in REFUSALS if refusal in log.error), log.text)


def test_skopeo_and_we_accept_the_same_names(host: ScratchHost) -> None:
    dice = random.Random(SEED)
    outcomes: dict[str, int] = {}
    for _sample in range(NAMES):
        text = mutated_name(dice)
        ours, theirs = our_answer(text), skopeos_answer(host, text)
        if ours == "invalid reference format" and _host_is_a_path(text):
            # Go takes such a host for a part of the path, and has nobody to ask then. We refuse it.
            continue
        if theirs == "tag and digest":
            # Only this transport refuses what podman takes; the name itself is good, and the digest decides.
            reference = parse_reference(text)
            assert reference.tag and reference.digest, text
        else:
            assert ours == theirs, text
        kind = ours if ours in REFUSALS else "accepted"
        outcomes[kind] = outcomes.get(kind, 0) + 1
    assert outcomes["accepted"] > NAMES / 5 and len(outcomes) > 4, outcomes


def _host_is_a_path(text: str) -> bool:
    """Whether the first component passes for a host by its dot or colon only, and for a path by its letters."""
    first = text.partition("/")[0]
    return bool(re.fullmatch(r"[A-Za-z0-9._-]*_[A-Za-z0-9._-]*", first)) and "." in first


def our_places(conf: RegistriesConf, reference: Reference) -> list[Asked]:
    try:
        return [Asked(str(source.reference), source.insecure) for source in conf.pull_sources(reference)]
    except RegistryBlocked:
        return []


def test_skopeo_and_we_ask_the_same_places_whatever_files_there_are(host: ScratchHost) -> None:
    dice = random.Random(SEED + 1)
    names = [
        "example.com/ns/app:1",
        f"example.com/ns/app@{DIGEST}",
        "b.a.example.com/other:1",
        "docker.io/library/app:1",
    ]
    names += ["example.com:5000/ns/app:1", "quay.io/ns/app:1", "a.test/app:1"]
    outcomes = {"asked": 0, BLOCKED: 0, INVALID: 0}
    for _sample in range(FILES):
        explicit = dice.random() < 0.3
        furnish(dice, host, explicit=explicit)
        name = dice.choice(names)
        log = host.skopeo(name, explicit=explicit)
        theirs: object = INVALID if log.refused_configuration else log.asked
        try:
            conf = load_registries_conf(paths_of(host), str(host.base / EXPLICIT) if explicit else None)
            ours: object = our_places(conf, parse_reference(name))
        except InvalidConfig:
            ours = INVALID
        assert ours == theirs, f"{name}:\n{host.text()}\n{log.text}"
        outcomes[INVALID if ours == INVALID else "asked" if ours else BLOCKED] += 1
    assert all(outcomes.values()), outcomes


SHORT_NAMES = ["app", "app:1", "team/app", "library/app", "other:2", f"app@{DIGEST}", f"app:1@{DIGEST}", "quay.io"]


def podmans_candidates(log: ToolLog) -> object:
    if log.refused_configuration and not log.candidates:
        return INVALID
    return log.candidates or next((word for word in (UNRESOLVED, ENFORCED) if word in log.error), log.text)


def our_candidates(names: ShortNames, text: str) -> object:
    short = parse_short_name(text)
    assert short is not None
    try:
        return [str(name) for name in names.pull_candidates(short).names]
    except ShortNameUnresolved:
        return UNRESOLVED
    except ShortNameEnforced:
        return ENFORCED


def test_podman_and_we_resolve_short_names_alike(host: ScratchHost) -> None:
    dice = random.Random(SEED + 2)
    outcomes = {"one": 0, "several": 0, INVALID: 0, UNRESOLVED: 0, ENFORCED: 0}
    for _sample in range(SHORT):
        explicit = dice.random() < 0.2
        furnish(dice, host, explicit=explicit)
        text = dice.choice(SHORT_NAMES)
        log = host.podman(text, explicit=explicit)
        message = f"{text}:\n{host.text()}\n{log.text}"
        try:
            names = load_short_names(paths_of(host), str(host.base / EXPLICIT) if explicit else None)
        except InvalidConfig:
            assert podmans_candidates(log) == INVALID, message
            outcomes[INVALID] += 1
            continue
        ours = our_candidates(names, text)
        assert ours == podmans_candidates(log), message
        outcomes[ours if isinstance(ours, str) else "one" if len(ours) == 1 else "several"] += 1  # type: ignore[arg-type]
        _same_look_up(names, text, log, message)
        if isinstance(ours, list):
            _same_places(names.conf, ours, log, message)
    assert all(outcomes.values()), outcomes


def _same_look_up(names: ShortNames, text: str, log: ToolLog, message: str) -> None:
    """Where podman looks before it asks a registry; the last is the text itself, which may begin an ID."""
    short = parse_short_name(text)
    assert short is not None
    assert [str(name) for name in names.local_candidates(short)] == log.looked_for[:-1], message


def _same_places(conf: RegistriesConf, candidates: list[str], log: ToolLog, message: str) -> None:
    try:
        places = [place for name in candidates for place in our_places(conf, parse_reference(name))]
    except InvalidConfig:
        assert log.refused_configuration, message
        return
    assert places == log.asked, message


def test_podman_and_we_name_the_same_file_when_nothing_resolves_a_name(host: ScratchHost) -> None:
    for path in ("", "etc/containers/registries.conf", EXPLICIT):
        if path:
            host.write(path, 'short-name-mode="disabled"')
        explicit = path == EXPLICIT
        error = host.podman("app:1", explicit=explicit).error
        with pytest.raises(ShortNameUnresolved) as caught:
            short = parse_short_name("app:1")
            assert short is not None
            load_short_names(paths_of(host), str(host.base / EXPLICIT) if explicit else None).pull_candidates(short)
        words = caught.value.message.partition(": write")[0]
        assert words.replace(f'"{host.base}/etc', '"/etc') == error.partition("Error: ")[2]


def test_podman_normalises_what_has_a_transport(host: ScratchHost) -> None:
    host.write("etc/containers/registries.conf", 'unqualified-search-registries=["a.test"]')
    assert host.podman("docker://app:1").candidates == ["docker.io/library/app:1"]
    assert host.podman("app:1").candidates == ["a.test/app:1"]


@pytest.mark.parametrize("name", ["a" * 64, f"sha256:{'a' * 64}", "sha256:abc"])
def test_podman_pulls_no_image_by_its_id(host: ScratchHost, name: str) -> None:
    assert f"image has been referred to by ID ({name})" in host.podman(name).error


def test_a_link_in_place_of_the_drop_in_directory_is_not_followed(host: ScratchHost) -> None:
    host.write("elsewhere/x.conf", '[[registry]]\nlocation="a.test"\nblocked=true')
    (host.base / "home/.config/containers").mkdir(parents=True, exist_ok=True)
    link = host.base / "home/.config/containers/registries.conf.d"
    link.symlink_to(host.base / "elsewhere")
    assert not host.skopeo("a.test/app:1").blocked
    link.unlink()
    (host.base / "elsewhere").rename(link)
    assert host.skopeo("a.test/app:1").blocked
