# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._storage.override_stat import Override


# Values that containers/storage 1.43 (the first two, by podman 4.3) and 1.55 write.
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"0:0:0755", Override(0, 0, 0o755, "")),
        (b"4294967295:12:0640", Override(4294967295, 12, 0o640, "")),
        (b"5:6:4755:file", Override(5, 6, 0o4755, "file")),
        (b"7:0:1777:dir", Override(7, 0, 0o1777, "dir")),
        (b"0:0:0600:pipe", Override(0, 0, 0o600, "pipe")),
        (b"0:0:0666:char-1-3", Override(0, 0, 0o666, "char")),
        (b"0:6:0660:block-253-1048575", Override(0, 6, 0o660, "block")),
    ],
)
def test_what_tools_write_is_read(value: bytes, expected: Override) -> None:
    assert Override.parse(value) == expected


@pytest.mark.parametrize(
    "value",
    [b"", b"0:0", b"0:0:", b"-1:0:0755", b"0:0:0799", b"0:0:0755:", b" 0:0:0755", b"0:0:0755:dir:x", b"\xff:0:0755"],
)
def test_nonsense_says_nothing(value: bytes) -> None:
    assert Override.parse(value) is None


def test_a_device_is_written_with_its_numbers() -> None:
    assert Override(1, 2, 0o600, "char", (5, 1)).text() == b"1:2:0600:char-5-1"
    assert Override(1, 2, 0o4755, "file", (5, 1)).text() == b"1:2:4755:file"
    assert Override(1, 2, 0o755, "").text() == b"1:2:0755"
