# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The tags of a repository (OCI distribution-spec, "Listing Tags"), page by page where the registry sends pages.

What is skipped is what containers/image skips (docker/docker_image.go): registries that forget the specification list
empty tags, nulls and digests. The next page is asked of the same host, whatever host a registry names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from .._errors import DataError
from .._model.digest import Digest, InvalidDigest
from .._model.foreign_text import printable
from .._model.json_object import JsonObject
from .._model.json_text import parse_json
from .._model.reference import is_tag
from .body import read_body
from .connection import RegistryConnection
from .errors import NameUnknown, NotARegistry
from .http import HttpResponse
from .urls import redacted, resolved

# No limit of containers/image; a registry that sends 100 tags a page reaches both ends together.
PAGE_LIMIT = 16 * 1024 * 1024
TAG_LIMIT = 1_000_000
MOST_PAGES = 10_000

_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_RELATION = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))', re.IGNORECASE)


class InvalidTagList(DataError):
    """What the registry sent is no list of tags, or one without end."""

    code = "invalid_tag_list"


def list_tags(connection: RegistryConnection, repository: str, name: str) -> tuple[str, ...]:
    """The tags of ``repository`` in the registry's order; ``name`` is the repository with its host, for errors.

    Raises NameUnknown, Unauthorized, Denied, RateLimited, NotARegistry, BadJson, InvalidTagList, BodyTooLarge above
    16 MiB a page, and the leaves of a failed connection.
    """
    tags: list[str] = []
    seen: set[str] = set()
    path = f"/v2/{repository}/tags/list"
    while path:
        seen.add(path)
        page, path = _read_page(connection, path, name)
        tags.extend(page)
        if path in seen:
            raise InvalidTagList("the registry's pages of tags go in a circle", subject=name, found=redacted(path))
        if len(seen) == MOST_PAGES and path:
            raise InvalidTagList("too many pages of tags", subject=name, wanted=f"at most {MOST_PAGES}")
        if len(tags) > TAG_LIMIT:
            raise InvalidTagList("too many tags", subject=name, wanted=f"at most {TAG_LIMIT}")
    return tuple(tags)


def _read_page(connection: RegistryConnection, path: str, name: str) -> tuple[list[str], str]:
    """The tags of one page, and the path of the next; empty where this is the last."""
    with connection.send("GET", path) as response:
        if response.status != 200:
            raise connection.refusal(response, name, NameUnknown)
        media_type = response.header("Content-Type").partition(";")[0].strip().lower()
        if media_type == "text/html":
            raise NotARegistry("the server is no registry", subject=name, wanted="a list of tags", found=media_type)
        body = read_body(response, PAGE_LIMIT, f"the tags of {name}")
        return _tags(body, name), _next_path(response)


def _tags(body: bytes, name: str) -> list[str]:
    where = f"the tags of {name}"
    page = JsonObject(parse_json(body, where), where, InvalidTagList)
    return [tag for entry in page.array("tags") for tag in _usable(entry, name)]


def _usable(entry: Any, name: str) -> Iterator[str]:
    """The tag that an entry of the list is; nothing for one that is skipped."""
    if entry is None or entry == "":
        return
    if isinstance(entry, str):
        if is_tag(entry):
            yield entry
            return
        if _is_digest(entry):
            return
    found = printable(repr(entry)) if isinstance(entry, str) else "no text"
    raise InvalidTagList("the registry lists an invalid tag", subject=name, found=found)


def _is_digest(text: str) -> bool:
    try:
        Digest.parse(text)
    except InvalidDigest:
        return False
    return True


def _next_path(response: HttpResponse) -> str:
    """Path and query of the page that a ``Link`` header calls the next (RFC 8288); empty where none does."""
    for line in response.header_lines("Link"):
        for target, parameters in _LINK.findall(line):
            relation = _RELATION.search(parameters)
            words = (relation[1] or relation[2] or "").lower().split() if relation else []
            if "next" in words:
                parts = urlsplit(resolved(response.url, target))
                return f"{parts.path}?{parts.query}" if parts.query else parts.path
    return ""
