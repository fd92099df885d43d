# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which proxy is asked; the rules are those of Go's httpproxy package (tests/interop/test_pull_proxy.py asks podman)."""

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._registry.proxies import proxy_for

PROXY = "http://proxy.example.com:3128"


@pytest.mark.parametrize(
    ("no_proxy", "direct", "through"),
    [
        ("", (), ("https://a.example.com/", "https://10.1.2.3/")),
        ("*", ("https://a.example.com/", "https://10.1.2.3/"), ()),
        ("example.com", ("https://example.com/", "https://a.example.com/"), ("https://badexample.com/",)),
        (".example.com", ("https://a.example.com/", "https://b.a.example.com/"), ("https://example.com/",)),
        ("*.example.com", ("https://a.example.com/",), ("https://example.com/", "https://badexample.com/")),
        ("EXAMPLE.com, other", ("https://example.COM/", "https://other/"), ("https://another/",)),
        ("example.com:5000", ("https://a.example.com:5000/",), ("https://example.com/", "https://example.com:443/")),
        ("example.com:443", ("https://example.com/",), ("https://example.com:5000/",)),
        ("10.1.2.3", ("https://10.1.2.3:5000/",), ("https://10.1.2.4/", "https://x10.1.2.3/")),
        ("10.1.2.3:5000", ("https://10.1.2.3:5000/",), ("https://10.1.2.3/",)),
        ("10.1.0.0/16", ("https://10.1.2.3/",), ("https://10.2.2.3/", "https://a.example.com/")),
        ("2001:db8::/32", ("https://[2001:db8::1]:5000/",), ("https://[2001:db9::1]/", "https://10.1.2.3/")),
        ("2001:db8::1", ("https://[2001:db8::1]/",), ("https://[2001:db8::2]/",)),
        ("[2001:db8::1]:5000", ("https://[2001:db8::1]:5000/",), ("https://[2001:db8::1]/",)),
        ("300.0.0.0/8,,/,:", (), ("https://10.1.2.3/", "https://a.example.com/")),
    ],
)
def test_no_proxy_is_read_as_go_reads_it(no_proxy: str, direct: tuple[str, ...], through: tuple[str, ...]) -> None:
    variables = {"https": PROXY, "no": no_proxy}
    assert [url for url in direct if proxy_for(url, variables)] == []
    assert [url for url in through if proxy_for(url, variables) != PROXY] == []


def test_each_scheme_has_its_variable() -> None:
    variables = {"http": "http://plain:1", "https": "http://secure:2", "all": "http://other:3"}
    assert proxy_for("http://a.example.com/", variables) == "http://plain:1"
    assert proxy_for("https://a.example.com/", variables) == "http://secure:2"
    assert proxy_for("https://a.example.com/", {"http": "http://plain:1", "all": "http://other:3"}) == ""


@pytest.mark.parametrize("host", ["localhost:5000", "127.0.0.1", "127.9.9.9:5000", "[::1]:5000", "a.localhost"])
def test_the_loopback_interface_needs_none(host: str) -> None:
    assert proxy_for(f"http://{host}/v2/", {"http": PROXY}) == ""


@pytest.mark.parametrize("text", ["proxy.example.com:3128", " proxy.example.com:3128 ", PROXY])
def test_a_proxy_without_a_scheme_speaks_http(text: str) -> None:
    assert proxy_for("https://a.example.com/", {"https": text}) == PROXY
