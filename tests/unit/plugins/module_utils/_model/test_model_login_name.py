# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one can log in to, and what not."""

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.login_name import (
    InvalidLoginName,
    LoginName,
    parse_login_name,
)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("quay.io", "quay.io"),
        ("registry", "registry"),
        ("localhost:5000", "localhost:5000"),
        ("127.0.0.1:5000", "127.0.0.1:5000"),
        ("[::1]:5000", "[::1]:5000"),
        ("quay.io/ns", "quay.io"),
        ("quay.io:443/ns/sub/app", "quay.io:443"),
        ("docker.io/library/busybox", "docker.io"),
    ],
)
def test_a_host_or_a_namespace_is_a_login(text: str, host: str) -> None:
    name = parse_login_name(text)
    assert name == LoginName(text, host)
    assert name.namespaced is ("/" in text)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("https://quay.io", "scheme"),
        ("http://quay.io/v1/", "scheme"),
        ("docker://quay.io", "scheme"),
        ("quay.io/ns:tag", "tag"),
        ("quay.io/ns@sha256:" + "a" * 64, "digest"),
        ("quay.io/", "namespace"),
        ("quay.io/NS", "namespace"),
        ("quay.io//ns", "namespace"),
        # podman, too, takes these for repositories of docker.io.
        ("team/app", "docker.io/team/app"),
        ("docker.io/busybox", "docker.io/library/busybox"),
        ("", "no name"),
        ("quay.io ", "no name"),
        ("quay_io", "no name"),
        ("quay.io:port", "no name"),
        ("user@quay.io", "no name"),
        ("a" * 300, "no name"),
    ],
)
def test_anything_else_is_refused_with_its_reason(text: str, word: str) -> None:
    with pytest.raises(InvalidLoginName) as caught:
        parse_login_name(text)
    assert caught.value.code == "invalid_registry" and word in caught.value.message
    assert "host[:port]" in caught.value.message


@pytest.mark.parametrize("text", ["https://user:s3cr3t@quay.io/x", "user:s3cr3t@quay.io", "user:s3/cr3t@quay.io"])
def test_a_password_in_it_is_not_shown(text: str) -> None:
    with pytest.raises(InvalidLoginName) as caught:
        parse_login_name(text)
    assert "cr3t" not in str(caught.value) and "quay.io" in str(caught.value)
