# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists of tags, with every page, link and oddity that a registry may send, against a server that plays a script."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import DataError
from ansible_collections.strata.containers.plugins.module_utils._model.json_text import BadJson
from ansible_collections.strata.containers.plugins.module_utils._registry import tags
from ansible_collections.strata.containers.plugins.module_utils._registry.body import BodyTooLarge
from ansible_collections.strata.containers.plugins.module_utils._registry.errors import (
    Denied,
    NameUnknown,
    NotARegistry,
    RegistryError,
    Unauthorized,
)
from ansible_collections.strata.containers.plugins.module_utils._registry.tags import InvalidTagList
from ansible_collections.strata.containers.plugins.module_utils._registry.urls import BadAddress
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.registry_script import (
    TOKEN_PATH,
    bearer_ping,
    error_body,
    make_client,
    token_body,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.scripted_server import (
    ScriptedServer,
)

LIST = "/v2/team/app/tags/list"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        server.expect("GET", "/v2/")
        yield server


def page(*found: Any) -> bytes:
    return json.dumps({"name": "team/app", "tags": found}).encode()


class TestOnePage:
    def test_tags_keep_the_registrys_order(self, server: ScriptedServer) -> None:
        server.expect("GET", LIST, body=page("b", "a", "10", "9", "latest"))
        assert make_client(server).tags() == ("b", "a", "10", "9", "latest")

    @pytest.mark.parametrize("body", [b'{"name":"team/app","tags":null}', b'{"name":"team/app"}', page()])
    def test_no_tags_are_no_error(self, server: ScriptedServer, body: bytes) -> None:
        server.expect("GET", LIST, body=body)
        assert make_client(server).tags() == ()

    def test_what_nexus_and_artifactory_list_besides_is_skipped(self, server: ScriptedServer) -> None:
        # https://github.com/containers/skopeo/issues/2409 and 2346
        server.expect("GET", LIST, body=page("", "1", None, "sha256:" + "a" * 64, "2", "sha512:" + "b" * 128))
        assert make_client(server).tags() == ("1", "2")

    @pytest.mark.parametrize("tag", ["a/b", "-x", "a b", "t" * 129, "sha256:abc", "md5:" + "a" * 32, 5, ["a"], {}])
    def test_another_invalid_tag_is_an_error(self, server: ScriptedServer, tag: Any) -> None:
        server.expect("GET", LIST, body=page("1", tag))
        with pytest.raises(InvalidTagList, match="invalid tag") as raised:
            make_client(server).tags()
        assert raised.value.code == "invalid_tag_list"
        assert raised.value.subject == f"{server.host}/team/app"

    def test_the_longest_tag_of_all_is_one(self, server: ScriptedServer) -> None:
        server.expect("GET", LIST, body=page("t" * 128, "_x", "A.b-c_d"))
        assert make_client(server).tags() == ("t" * 128, "_x", "A.b-c_d")

    @pytest.mark.parametrize(
        ("body", "error"),
        [(b"tags", BadJson), (b"", BadJson), (b"[]", InvalidTagList), (b'{"tags":"1"}', InvalidTagList)],
    )
    def test_what_is_no_list_is_an_error(self, server: ScriptedServer, body: bytes, error: type[DataError]) -> None:
        server.expect("GET", LIST, body=body)
        with pytest.raises(error):
            make_client(server).tags()

    def test_a_login_page_is_told_as_one(self, server: ScriptedServer) -> None:
        server.expect("GET", LIST, body=b"<html>", headers={"Content-Type": "text/html; charset=utf-8"})
        with pytest.raises(NotARegistry):
            make_client(server).tags()

    def test_a_page_has_a_limit(self, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = page("1", "2")
        monkeypatch.setattr(tags, "PAGE_LIMIT", len(whole))
        server.expect("GET", LIST, body=whole)
        assert make_client(server).tags() == ("1", "2")
        server.expect("GET", "/v2/")
        server.expect("GET", LIST, body=whole + b" ")
        with pytest.raises(BodyTooLarge):
            make_client(server).tags()


class TestRefusals:
    @pytest.mark.parametrize(
        ("status", "body", "error"),
        [
            (404, error_body("NAME_UNKNOWN", "repository name not known to registry"), NameUnknown),
            (404, b"", NameUnknown),
            (404, error_body("NOT_FOUND", "repository team/app not found"), NameUnknown),
            (401, error_body("UNAUTHORIZED", "authentication required"), Unauthorized),
            (403, error_body("DENIED", "requested access to the resource is denied"), Denied),
            (500, b"", RegistryError),
        ],
    )
    def test_each_has_its_leaf_and_status(
        self, server: ScriptedServer, status: int, body: bytes, error: type[RegistryError]
    ) -> None:
        server.expect("GET", LIST, status=status, body=body)
        with pytest.raises(error) as raised:
            make_client(server).tags()
        assert raised.type is error
        assert (raised.value.status, raised.value.subject) == (status, f"{server.host}/team/app")
        assert not raised.value.retryable

    def test_the_list_is_asked_for_with_the_scope_of_a_pull(self) -> None:
        with ScriptedServer() as server:
            bearer_ping(server)
            server.expect("GET", TOKEN_PATH, body=token_body("t1"))
            server.expect("GET", LIST, body=page("1"), requires={"Authorization": "Bearer t1"})
            assert make_client(server).tags() == ("1",)


class TestPages:
    @pytest.mark.parametrize(
        "link",
        [
            f'<{LIST}?last=b&n=2>; rel="next"',
            f"<{LIST}?last=b&n=2>; rel=next",
            f'<{LIST}?last=b&n=2>;rel="NEXT"',
            f'<{LIST}?last=b&n=2>; title="more"; rel="next last"',
            f'<{LIST}>; rel="first", <{LIST}?last=b&n=2>; rel="next"',
            '<?last=b&n=2>; rel="next"',
            '<list?last=b&n=2>; rel="next"',
            f'<https://elsewhere.example.com{LIST}?last=b&n=2>; rel="next"',
            f'<//elsewhere.example.com:5000{LIST}?last=b&n=2>; rel="next"',
        ],
    )
    def test_the_next_page_is_asked_of_the_same_host(self, server: ScriptedServer, link: str) -> None:
        server.expect("GET", LIST, body=page("a", "b"), headers={"Link": link})
        server.expect("GET", f"{LIST}?last=b&n=2", body=page("c"))
        assert make_client(server).tags() == ("a", "b", "c")

    def test_the_next_page_may_be_on_a_later_line(self, server: ScriptedServer) -> None:
        links = [("Link", f'<{LIST}>; rel="first"'), ("Link", f'<{LIST}?last=a>; rel="next"')]
        server.expect("GET", LIST, body=page("a"), headers=links)
        server.expect("GET", f"{LIST}?last=a", body=page("b"))
        assert make_client(server).tags() == ("a", "b")

    @pytest.mark.parametrize(
        "link", ["", "nonsense", f"<{LIST}?n=1>", f'<{LIST}?n=1>; rel="prev"', f'<{LIST}?n=1>; rel="nextish"']
    )
    def test_what_is_no_next_page_is_not_asked_for(self, server: ScriptedServer, link: str) -> None:
        server.expect("GET", LIST, body=page("a"), headers={"Link": link})
        assert make_client(server).tags() == ("a",)

    def test_credentials_stay_with_the_host_that_was_named(self) -> None:
        with ScriptedServer() as other, ScriptedServer() as server:
            bearer_ping(server)
            server.expect("GET", TOKEN_PATH, body=token_body("t1"))
            server.expect("GET", LIST, body=page("a"), headers={"Link": f'<{other.url}{LIST}?last=a>; rel="next"'})
            server.expect("GET", f"{LIST}?last=a", body=page("b"), requires={"Authorization": "Bearer t1"})
            assert make_client(server).tags() == ("a", "b")
            assert other.requests == []

    def test_a_refusal_of_a_later_page_is_an_error(self, server: ScriptedServer) -> None:
        server.expect("GET", LIST, body=page("a"), headers={"Link": f'<{LIST}?last=a>; rel="next"'})
        server.expect("GET", f"{LIST}?last=a", status=403)
        with pytest.raises(Denied):
            make_client(server).tags()

    @pytest.mark.parametrize("target", ["javascript:alert(1)", "https://user@host/v2/", "http://team app/v2/"])
    def test_an_address_that_cannot_be_asked_is_an_error(self, server: ScriptedServer, target: str) -> None:
        server.expect("GET", LIST, body=page("a"), headers={"Link": f'<{target}>; rel="next"'})
        with pytest.raises(BadAddress):
            make_client(server).tags()


class TestNoEnd:
    def test_a_page_that_names_itself_is_an_error(self, server: ScriptedServer) -> None:
        server.expect("GET", LIST, body=page("a"), headers={"Link": f'<{LIST}>; rel="next"'})
        with pytest.raises(InvalidTagList, match="circle"):
            make_client(server).tags()

    def test_a_circle_of_pages_is_an_error(self, server: ScriptedServer) -> None:
        server.expect("GET", LIST, body=page("a"), headers={"Link": f'<{LIST}?last=a>; rel="next"'})
        server.expect("GET", f"{LIST}?last=a", body=page("b"), headers={"Link": f'<{LIST}?last=b>; rel="next"'})
        server.expect("GET", f"{LIST}?last=b", body=page("a"), headers={"Link": f'<{LIST}?last=a>; rel="next"'})
        with pytest.raises(InvalidTagList, match="circle"):
            make_client(server).tags()

    def test_pages_without_end_are_an_error(self, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tags, "MOST_PAGES", 2)
        server.expect("GET", LIST, body=page(), headers={"Link": f'<{LIST}?last=1>; rel="next"'})
        server.expect("GET", f"{LIST}?last=1", body=page(), headers={"Link": f'<{LIST}?last=2>; rel="next"'})
        with pytest.raises(InvalidTagList, match="too many pages"):
            make_client(server).tags()

    def test_as_many_pages_and_tags_as_are_allowed_are_read(
        self, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tags, "MOST_PAGES", 2)
        monkeypatch.setattr(tags, "TAG_LIMIT", 3)
        server.expect("GET", LIST, body=page("a", "b"), headers={"Link": f'<{LIST}?last=b>; rel="next"'})
        server.expect("GET", f"{LIST}?last=b", body=page("c"))
        assert make_client(server).tags() == ("a", "b", "c")

    def test_tags_without_end_are_an_error(self, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tags, "TAG_LIMIT", 3)
        server.expect("GET", LIST, body=page("a", "b"), headers={"Link": f'<{LIST}?last=b>; rel="next"'})
        server.expect("GET", f"{LIST}?last=b", body=page("c", "d"))
        with pytest.raises(InvalidTagList, match="too many tags"):
            make_client(server).tags()
