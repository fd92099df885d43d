# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Challenges as registries write them, and as they should not."""

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._registry.challenge import (
    Challenge,
    missing_scope,
    parse_challenges,
    usable_challenge,
)
from hypothesis import given
from hypothesis import strategies as st

HUB = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/x:pull"'


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('Basic realm="tests"', [("basic", {"realm": "tests"})]),
        ("BASIC", [("basic", {})]),
        ("", []),
        (" , ,", []),
        (
            HUB,
            [
                (
                    "bearer",
                    {
                        "realm": "https://auth.docker.io/token",
                        "service": "registry.docker.io",
                        "scope": "repository:library/x:pull",
                    },
                )
            ],
        ),
        # An unquoted value with characters outside of the token grammar.
        (
            "Bearer realm=https://auth.example.com/token,service=x",
            [("bearer", {"realm": "https://auth.example.com/token", "service": "x"})],
        ),
        # A comma, a backslash escape and spaces around the equals sign.
        (
            r'Bearer scope="repository:a:pull,push" , realm = "a\"b\\c"',
            [("bearer", {"scope": "repository:a:pull,push", "realm": 'a"b\\c'})],
        ),
        # Names in any case; the last of two wins, as in containers/image.
        ('Bearer REALM="one", realm="two"', [("bearer", {"realm": "two"})]),
        # With other separators than a comma, of which skopeo reads the realm as well.
        ('Bearer realm="a" service=b;scope="c"', [("bearer", {"realm": "a", "service": "b", "scope": "c"})]),
        # Several challenges in one line (RFC 9110, section 11.6.1).
        (
            'Negotiate, Basic realm="a", Bearer realm="b"',
            [("negotiate", {}), ("basic", {"realm": "a"}), ("bearer", {"realm": "b"})],
        ),
        # What cannot be read ends the line.
        ('Basic realm="open', [("basic", {})]),
        ('=oops, Basic realm="a"', []),
    ],
)
def test_a_line_is_read(line: str, expected: list[tuple[str, dict[str, str]]]) -> None:
    assert [(found.scheme, dict(found.parameters)) for found in parse_challenges([line])] == expected


def test_each_line_is_read_for_itself() -> None:
    schemes = [found.scheme for found in parse_challenges(['Basic realm="open', HUB])]
    assert schemes == ["basic", "bearer"]


@pytest.mark.parametrize(
    ("lines", "scheme"),
    [
        (["Negotiate", HUB, 'Basic realm="x"'], "bearer"),
        (['Basic realm="x"', HUB], "basic"),
        (["Negotiate", 'Digest realm="x"'], None),
        ([], None),
    ],
)
def test_the_first_known_scheme_is_used(lines: list[str], scheme: str | None) -> None:
    found = usable_challenge(parse_challenges(lines))
    assert (found.scheme if found else None) == scheme


@pytest.mark.parametrize(
    ("line", "scope"),
    [
        ('Bearer realm="r",error="insufficient_scope",scope="repository:a/b:pull,push"', "repository:a/b:pull,push"),
        ('Bearer realm="r",error="invalid_token",scope="repository:a/b:pull"', ""),
        ('Bearer realm="r",error="insufficient_scope",scope="a:b"', ""),
        ('Bearer realm="r",error="insufficient_scope"', ""),
        ('Basic realm="r",error="insufficient_scope",scope="repository:a/b:pull"', ""),
    ],
)
def test_a_missing_scope_is_one_that_bearer_names_in_three_fields(line: str, scope: str) -> None:
    assert missing_scope(parse_challenges([line])) == scope


_NAMES = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
_VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)


@given(st.lists(st.tuples(_NAMES, st.dictionaries(_NAMES, _VALUES, min_size=1, max_size=4)), max_size=4))
def test_what_is_written_by_the_grammar_is_read_back(challenges: list[tuple[str, dict[str, str]]]) -> None:
    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    line = ", ".join(
        f"{scheme} " + ", ".join(f"{name}={quoted(value)}" for name, value in parameters.items())
        for scheme, parameters in challenges
    )
    assert parse_challenges([line]) == tuple(Challenge(scheme, parameters) for scheme, parameters in challenges)


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_exception(text: str) -> None:
    parse_challenges([text])
