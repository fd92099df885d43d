# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""registries.conf for what is asked of a registry itself: neither mirrors nor rewriting, only insecure and blocked."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.registries_conf import (
    RegistryBlocked,
    load_registries_conf,
)
from ansible_collections.strata.containers.plugins.module_utils._model.reference import parse_reference
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._config.config_host import FakeHost

MAIN = "/etc/containers/registries.conf"
MIRROR = '[[registry.mirror]]\nlocation="m.test"\ninsecure=true\n'


@pytest.mark.parametrize(
    ("content", "insecure"),
    [
        ("", False),
        ('[[registry]]\nlocation="quay.io"\n' + MIRROR, False),
        ('[[registry]]\nlocation="quay.io"\ninsecure=true\n' + MIRROR, True),
        ('[[registry]]\nprefix="quay.io/team"\nlocation="m.test/moved"\ninsecure=true\n', True),
        ('[[registry]]\nlocation="quay.io"\n[[registry]]\nlocation="quay.io/team"\ninsecure=true\n', True),
    ],
)
def test_the_name_stays_and_insecure_is_that_of_the_registry(tmp_path: Path, content: str, insecure: bool) -> None:
    host = FakeHost(tmp_path)
    host.write(MAIN, content)
    reference = parse_reference("quay.io/team/app")
    source = load_registries_conf(host.paths()).named_source(reference)
    assert (source.reference, source.insecure, source.location) == (reference, insecure, "quay.io")


@pytest.mark.parametrize("mirror", ["", MIRROR])
def test_a_blocked_registry_is_refused_whatever_mirrors_it_has(tmp_path: Path, mirror: str) -> None:
    host = FakeHost(tmp_path)
    host.write(MAIN, '[[registry]]\nlocation="quay.io"\nblocked=true\n' + mirror)
    with pytest.raises(RegistryBlocked, match=r"registry quay\.io is blocked in .*registries\.conf") as raised:
        load_registries_conf(host.paths()).named_source(parse_reference("quay.io/team/app"))
    assert raised.value.subject == "quay.io/team/app"
