# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._host.xattrs import get_xattr, list_xattrs, set_xattr


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "file"
    path.write_bytes(b"")
    try:
        os.setxattr(path, "user.probe", b"")
    except OSError:
        pytest.skip("the file system of the temporary directory keeps no user attributes")
    os.removexattr(path, "user.probe")
    return str(path)


def test_an_attribute_is_read_as_it_was_written(file: str) -> None:
    set_xattr(file, b"user.name", b"\x00\xff value")
    assert get_xattr(file, b"user.name") == b"\x00\xff value"
    assert b"user.name" in list_xattrs(file)


def test_an_attribute_is_replaced(file: str) -> None:
    set_xattr(file, b"user.name", b"old")
    set_xattr(file, b"user.name", b"")
    assert get_xattr(file, b"user.name") == b""


def test_an_absent_attribute_is_none(file: str) -> None:
    assert get_xattr(file, b"user.absent") is None


def test_a_symbolic_link_is_not_followed(file: str, tmp_path: Path) -> None:
    set_xattr(file, b"user.name", b"value")
    link = tmp_path / "link"
    link.symlink_to(file)
    assert get_xattr(str(link), b"user.name") is None


def test_an_absent_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    for action in (list_xattrs, lambda p: get_xattr(p, b"user.x"), lambda p: set_xattr(p, b"user.x", b"")):
        with pytest.raises(HostError) as raised:
            action(str(tmp_path / "absent"))
        assert raised.value.subject == str(tmp_path / "absent")
