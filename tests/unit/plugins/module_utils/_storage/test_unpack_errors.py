# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import StrataError
from ansible_collections.strata.containers.plugins.module_utils._layer.tar_header import (
    CHARACTER_DEVICE,
    HARD_LINK,
    REGULAR,
    TarMember,
)
from ansible_collections.strata.containers.plugins.module_utils._storage.unpack_errors import (
    attribute_failed,
    entry_failed,
)


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("kind", "target", "number", "told"),
    [
        (HARD_LINK, b"not/there", errno.ENOENT, "No such file or directory (found a hard link to not/there)"),
        (HARD_LINK, b"", errno.EPERM, "Operation not permitted (found a hard link to nothing)"),
        (CHARACTER_DEVICE, b"", errno.EINVAL, "Invalid argument (found a device of the number 4096:7)"),
        (REGULAR, b"", errno.ENOTDIR, "Not a directory"),
    ],
)
def test_the_member_is_told_and_what_it_is(kind: bytes, target: bytes, number: int, told: str) -> None:
    member = TarMember(b"name\xff", kind, target)
    member.devmajor, member.devminor = 4096, 7
    assert str(entry_failed(member, _error(number))) == f"name\\xff: a member of the layer cannot be unpacked: {told}"


@pytest.mark.parametrize(("number", "code"), [(errno.EPERM, "unsafe_layer"), (errno.ENOSPC, "no_space")])
def test_the_attribute_is_named_and_whose_fault_it_is(number: int, code: str) -> None:
    failure = attribute_failed(b"user.note", b"file", _error(number))
    assert failure.code == code
    assert "the attribute user.note" in failure.message


@pytest.mark.parametrize(
    ("sides", "text"),
    [
        ({}, "it: no"),
        ({"wanted": "a", "found": "b"}, "it: no (wanted a, found b)"),
        ({"wanted": "a"}, "it: no (wanted a, found nothing)"),
        ({"found": "b"}, "it: no (found b)"),
    ],
)
def test_both_sides_of_a_comparison_are_told_where_there_are_two(sides: dict[str, str], text: str) -> None:
    assert str(StrataError("no", subject="it", **sides)) == text
