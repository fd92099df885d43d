# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses: whose they are, what is refused, and what is never shown."""

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._registry.urls import (
    BadAddress,
    origin,
    redacted,
    resolved,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://Registry.Example.com/v2/", ("https", "registry.example.com", 443)),
        ("HTTP://registry.example.com", ("http", "registry.example.com", 80)),
        ("https://registry.example.com:443/x?y", ("https", "registry.example.com", 443)),
        ("http://[::1]:5000/", ("http", "::1", 5000)),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, expected: tuple[str, str, int]) -> None:
    assert origin(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "ftp://registry.example.com/",
        "file:///etc/passwd",
        "//registry.example.com/",
        "https:///path",
        "https://user:secret@registry.example.com/",
        "https://good.example.com\\@evil.example.com/",
        "https://good.example.com/ x",
        "https://good.example.com/\r\nX: y",
        "https://registry.example.com:99999/",
        "https://registry.example.com:port/",
        "http://[::1/",
        "",
    ],
)
def test_a_doubtful_address_is_refused_without_quoting_secrets(url: str) -> None:
    with pytest.raises(BadAddress) as caught:
        origin(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/other", "https://a.example.com/other"),
        ("next?x=1", "https://a.example.com/v2/next?x=1"),
        ("//b.example.com/x", "https://b.example.com/x"),
        ("http://b.example.com", "http://b.example.com"),
        # Spaces that a server forgot to escape, as Go reads them; those of a host are not touched.
        ("https://b.example.com/a b?c=d e ", "https://b.example.com/a%20b?c=d%20e"),
        ("/a b/c", "https://a.example.com/a%20b/c"),
    ],
)
def test_a_location_is_resolved_against_the_request(location: str, expected: str) -> None:
    assert resolved("https://a.example.com/v2/start", location) == expected


@pytest.mark.parametrize("location", ["https://b.example.com .evil.example/x", "//b. example.com"])
def test_a_host_with_a_space_is_refused(location: str) -> None:
    with pytest.raises(BadAddress):
        resolved("https://a.example.com/", location)


def test_a_location_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(BadAddress):
        resolved("https://a.example.com/", "http://[::1")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://user:secret@h.example.com/p?sig=secret#secret", "https://h.example.com/p"),
        ("https://a@b:secret@h.example.com/p", "https://h.example.com/p"),
        ("http://[::1/secret", "(an address that cannot be read)"),
        ("https://h/\x1b[31m", "https://h/?[31m"),
    ],
)
def test_what_is_shown_has_no_secrets_and_no_control_characters(url: str, expected: str) -> None:
    assert redacted(url) == expected


@given(st.text(max_size=80))
def test_any_text_is_an_origin_or_refused(text: str) -> None:
    try:
        scheme, host, port = origin(text)
    except BadAddress:
        return
    assert scheme in ("http", "https") and host and 0 <= port <= 65535
