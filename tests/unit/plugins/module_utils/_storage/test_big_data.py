# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64

import pytest
from ansible_collections.strata.containers.plugins.module_utils._storage.big_data import InvalidKey, file_name

# Keys and names as podman 4.3.1, skopeo 1.9.3 and containers-storage write them.
OBSERVED = [
    ("manifest", "manifest"),
    ("instances.json", "instances.json"),
    (
        "sha256:5d5adad06073c1fdcd9645b971b57b5110b96903c9823d70c4073bdeb05636e2",
        "=c2hhMjU2OjVkNWFkYWQwNjA3M2MxZmRjZDk2NDViOTcxYjU3YjUxMTBiOTY5MDNjOTgyM2Q3MGM0MDczYmRlYjA1NjM2ZTI=",
    ),
    (
        "manifest-sha256:a96701384ad9c1078d8f77ad0e05adce3db74bdefce541520212c40f3a757b27",
        "=bWFuaWZlc3Qtc2hhMjU2OmE5NjcwMTM4NGFkOWMxMDc4ZDhmNzdhZDBlMDVhZGNlM2RiNzRiZGVmY2U1NDE1MjAyMTJjNDBmM2E3NTdiMjc=",
    ),
    ("zstd-chunked-manifest", "=enN0ZC1jaHVua2VkLW1hbmlmZXN0"),
]


@pytest.mark.parametrize(("key", "expected"), OBSERVED)
def test_key_has_the_file_name_that_other_tools_use(key: str, expected: str) -> None:
    assert file_name(key) == expected


@pytest.mark.parametrize("key", ["a-", "a:", "aZ", "a\u00e9", "-"])
def test_key_that_is_odd_in_its_last_character_only_stays_as_it_is(key: str) -> None:
    assert file_name(key) == key


@pytest.mark.parametrize("key", ["A0", "a b", "\u00e9a", "a_b"])
def test_key_that_is_odd_before_its_end_is_encoded(key: str) -> None:
    name = file_name(key)
    assert name[0] == "="
    assert base64.b64decode(name[1:]).decode("utf-8") == key


@pytest.mark.parametrize("key", ["", ".", "..", "a/", "/", "a\0", "?>?"])
def test_key_that_cannot_be_a_file_of_the_directory_is_refused(key: str) -> None:
    with pytest.raises(InvalidKey) as caught:
        file_name(key)
    assert caught.value.code == "invalid_key"
