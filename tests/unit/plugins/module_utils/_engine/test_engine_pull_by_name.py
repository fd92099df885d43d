# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which full names a short one is pulled by, and what becomes of several failures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Union

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.registries_conf import (
    RegistriesConf,
    RegistryBlocked,
)
from ansible_collections.strata.containers.plugins.module_utils._config.short_names import ShortNames
from ansible_collections.strata.containers.plugins.module_utils._config.toml_file import InvalidConfig
from ansible_collections.strata.containers.plugins.module_utils._engine.names import image_name
from ansible_collections.strata.containers.plugins.module_utils._engine.platform_choice import PlatformChoice
from ansible_collections.strata.containers.plugins.module_utils._engine.pull_by_name import (
    CandidatesFailed,
    NamedPuller,
    Wanted,
)
from ansible_collections.strata.containers.plugins.module_utils._engine.pull_request import Pulled, PullRequest
from ansible_collections.strata.containers.plugins.module_utils._errors import (
    DataError,
    MissingLibraryError,
    RefusedError,
    RemoteError,
    StrataError,
)
from ansible_collections.strata.containers.plugins.module_utils._model.platform import Platform
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import Catalog

PULLED = Pulled(True, {}, {}, {})
GONE = RemoteError("manifest unknown", code="manifest_unknown", status=404)
NAMES = ["a.test/app:1", "b.test/app:1", "c.test/app:1"]


class Puller:
    """Stands for the puller of one store: what it answers for each full name, and what it was asked."""

    def __init__(self, answers: Mapping[str, Union[StrataError, Pulled]]) -> None:
        self._answers = answers
        self.asked: list[PullRequest] = []

    def catalog(self) -> Catalog:
        return Catalog()

    def pull(self, request: PullRequest) -> Pulled:
        self.asked.append(request)
        answer = self._answers[str(request.name)]
        if isinstance(answer, StrataError):
            raise answer
        return answer


def pull(puller: Puller, text: str, reporter: Reporter | None = None) -> Pulled:
    names = ShortNames(RegistriesConf(search=("a.test", "b.test", "c.test"), search_origin="file"))
    choice = PlatformChoice(Platform("linux", "amd64"))
    wanted = Wanted(text, image_name(text), (), "always", choice)
    stand_in: Any = puller
    return NamedPuller(stand_in, lambda: names, reporter or Reporter()).pull(wanted)


def test_a_full_name_is_pulled_as_it_is() -> None:
    puller = Puller({"quay.io/app:latest": PULLED})
    assert pull(puller, "quay.io/app") is PULLED
    assert [request.policy for request in puller.asked] == ["always"]


@pytest.mark.parametrize(
    "failure",
    [
        GONE,
        DataError("no image for this platform", code="no_such_platform"),
        RefusedError("the policy says no"),
        RegistryBlocked("registry a.test is blocked"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_the_next_candidate_is_tried_after_a_failure_of_its_own(failure: StrataError) -> None:
    puller = Puller({NAMES[0]: failure, NAMES[1]: PULLED})
    reporter = Reporter()
    assert pull(puller, "app:1", reporter) is PULLED
    assert [str(request.name) for request in puller.asked] == NAMES[:2]
    assert [step["action"] for step in reporter.steps] == ["resolved", "failed"]
    assert reporter.steps[0]["file"] == "file" and str(failure) in reporter.steps[1]["reason"]


@pytest.mark.parametrize("failure", [InvalidConfig("not TOML"), MissingLibraryError("zstandard", "to unpack")])
def test_what_is_wrong_with_this_host_ends_the_search(failure: StrataError) -> None:
    puller = Puller({NAMES[0]: failure})
    with pytest.raises(type(failure)):
        pull(puller, "app:1")
    assert len(puller.asked) == 1


def test_when_all_fail_each_is_named_and_code_and_status_stay_where_they_agree() -> None:
    with pytest.raises(CandidatesFailed) as caught:
        pull(Puller(dict.fromkeys(NAMES, GONE)), "app:1")
    assert (caught.value.code, caught.value.status, caught.value.subject) == ("manifest_unknown", 404, "app:1")
    assert all(f"[{name}: manifest unknown]" in caught.value.message for name in NAMES)
    others = {NAMES[0]: GONE, NAMES[1]: GONE, NAMES[2]: RemoteError("no", code="unauthorized", status=401)}
    with pytest.raises(CandidatesFailed) as caught:
        pull(Puller(others), "app:1")
    assert (caught.value.code, caught.value.status) == ("candidates_failed", None)
