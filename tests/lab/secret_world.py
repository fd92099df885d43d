# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that know secrets, hosts that must not learn them, and all of them talkative: each repeats what it was sent.

``basic`` and ``bearer`` are registries that ask for a password and for tokens; ``tokens`` gives these; ``storage`` is
where blobs are redirected to, with a signature in the query; ``foreign`` has a layer of its own; ``mirror`` asks for a
password too, and none is for it. What a registry does with an image depends on the repository, see ``Registry``.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Optional
from urllib.parse import parse_qs, quote

from .odd_images import GZIP, Entry, ImageLayout, make_tar
from .recording_server import Answer, Answering, Heard, RecordingServer, registry_error, registry_of
from .registry import free_port
from .secrets import Secret

USER = "someone"
PASSWORD = Secret("password", "Qx7PasswordMark5Zk")
WRONG = Secret("wrong password", "Vr2WrongMark9Lm4Tt")
TOKEN = Secret("token", "Hn4TokenMark8Bw2Yy")
IDENTITY = Secret("identity token", "Jd9IdentityMark3Rs")
SIGNATURE = Secret("signature", "Gt5SignatureMark1Uv")
PROXY_PASSWORD = Secret("proxy password", "Wc6ProxyMark7Xa2Ee")
SECRETS = [PASSWORD, WRONG, TOKEN, IDENTITY, SIGNATURE, PROXY_PASSWORD]

_FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"


@dataclass
class World:
    """The servers, by what they are for."""

    layout: ImageLayout
    servers: dict[str, RecordingServer] = field(default_factory=dict)
    closed: str = ""

    def __getitem__(self, name: str) -> RecordingServer:
        return self.servers[name]

    def heard(self) -> dict[str, set[str]]:
        """Which secrets each server was told, by any part of a request."""
        return {
            name: {secret.name for secret in SECRETS if secret.is_in(server.text())}
            for name, server in self.servers.items()
        }

    def forget(self) -> None:
        for server in self.servers.values():
            server.heard.clear()


@contextmanager
def talkative_world(directory: str, pause: float = 0.0) -> Iterator[World]:
    """The world of this file; ``pause`` is in seconds before each 64 KiB of the redirected layer."""
    world = World(ImageLayout(directory), closed=f"127.0.0.1:{free_port()}")
    with ExitStack() as stack:

        def start(name: str, answer: Answering) -> RecordingServer:
            world.servers[name] = stack.enter_context(RecordingServer(answer))
            return world.servers[name]

        # The layer that the manifest says is to be had elsewhere.
        foreign = gzip.compress(make_tar([Entry("foreign", content=b"foreign")]), mtime=0)
        start("storage", _Storage(world.layout, pause))
        start("foreign", lambda heard: Answer(body=foreign))
        _add_image(world, foreign)
        tokens = start("tokens", _answer_for_tokens)
        start("basic", Registry(world, _basic_of(PASSWORD), 'Basic realm="tests"'))
        challenge = f'Bearer realm="{tokens.url}/token",service="tests"'
        start("bearer", Registry(world, f"Bearer {TOKEN.plain}", challenge))
        start("mirror", lambda heard: _echo(heard, 401, 'Basic realm="mirror"'))
        yield world


@dataclass(frozen=True)
class Registry:
    """Serves the image in every repository to who shows ``authorization``, except for blobs of

    ``denied`` (all is refused), ``signed`` (the storage refuses), ``lost`` (the storage is down), ``loop`` (redirected
    for ever), ``named`` (redirected to an address with a user and a password); ``warned`` adds warnings.
    """

    world: World
    authorization: str
    challenge: str

    def __call__(self, heard: Heard) -> Optional[Answer]:
        if heard.header("Authorization") != self.authorization:
            return _echo(heard, 401, self.challenge)
        repository = heard.target.split("/")[2] if heard.target.count("/") > 2 else ""
        if repository == "denied":
            return _echo(heard, 403)
        answer = registry_of(self.world.layout)(heard)
        if answer and repository == "warned":
            return Answer(answer.status, [*answer.headers, _warning(heard)], answer.body)
        if answer and "/blobs/" in heard.target and len(answer.body) > 100_000:
            return Answer(307, [("Location", self._location(repository, heard))])
        return answer

    def _location(self, repository: str, heard: Heard) -> str:
        digest = heard.target.rpartition("/")[2].partition("?")[0]
        query = f"X-Signature={quote(SIGNATURE.text, safe='')}"
        storage = self.world["storage"].url
        return {
            "signed": f"{storage}/refused/{digest}?{query}",
            "lost": f"http://{self.world.closed}/{digest}?{query}",
            "loop": f"{heard.target.partition('?')[0]}?{query}",
            "named": f"http://name:{SIGNATURE.plain}@{self.world['storage'].host}/{digest}",
        }.get(repository, f"{storage}/{digest}?{query}")


@dataclass(frozen=True)
class _Storage:
    layout: ImageLayout
    pause: float

    def __call__(self, heard: Heard) -> Optional[Answer]:
        if "/refused/" in heard.target:
            return _echo(heard, 403)
        digest = heard.target.rpartition("/")[2].partition("?")[0]
        answer = registry_of(self.layout)(Heard("GET", f"/v2/x/blobs/{digest}", [], b"", 0))
        return answer and Answer(200, answer.headers, answer.body, pause=self.pause)


def _answer_for_tokens(heard: Heard) -> Answer:
    form = parse_qs(heard.body.decode("utf-8"))
    by_password = heard.method == "GET" and heard.header("Authorization") == _basic_of(PASSWORD)
    by_identity = heard.method == "POST" and form.get("refresh_token") == [IDENTITY.text]
    if not by_password and not by_identity:
        return _echo(heard, 401)
    return Answer(body=json.dumps({"token": TOKEN.plain}).encode(), headers=[_warning(heard)])


def _echo(heard: Heard, status: int, challenge: str = "") -> Answer:
    """A refusal that repeats the request: in its message, decoded too, and in a warning."""
    told = f"{heard.header('Authorization')} {_decoded(heard)} {heard.target} {heard.body.decode('utf-8', 'replace')}"
    headers = [_warning(heard), *([("WWW-Authenticate", challenge)] if challenge else [])]
    return registry_error(status, "DENIED" if status == 403 else "UNAUTHORIZED", f"you sent {told}", headers)


def _decoded(heard: Heard) -> str:
    scheme, _space, value = heard.header("Authorization").partition(" ")
    return base64.b64decode(value).decode("utf-8", "replace") if scheme == "Basic" else ""


def _warning(heard: Heard) -> tuple[str, str]:
    text = heard.header("Authorization").replace('"', "'")
    return "Warning", f'299 - "you sent {text} for {heard.target}"'


def _basic_of(secret: Secret) -> str:
    return "Basic " + base64.b64encode(f"{USER}:{secret.text}".encode()).decode("ascii")


def _add_image(world: World, foreign: bytes) -> None:
    """One layer large enough to be redirected, and one with an address of its own."""
    content = b"".join(bytes([number % 251, number % 241, number % 239]) for number in range(200_000))
    large = gzip.compress(make_tar([Entry("large", content=content)]), compresslevel=0, mtime=0)

    def point_elsewhere(manifest: dict[str, Any]) -> None:
        manifest["layers"][1]["urls"] = [f"{world['foreign'].url}/layer"]

    world.layout.add_image("1", [(large, GZIP), (foreign, _FOREIGN)], manifest_changes=point_elsewhere)
