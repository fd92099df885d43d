# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies, names and signatures made from a seed: most of them near what is accepted, each odd in a way of its own."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .gpg_keys import Signer, as_payload, running_signer, simple_document

ACCEPT = {"type": "insecureAcceptAnything"}
REJECT = {"type": "reject"}
LONG_AGO, SOON_AFTER, LATER = "20200101T000000", "20200101T010000", "20350101T000000"
OTHER_DIGEST = "sha256:" + "0123456789abcdef" * 4


@dataclass(frozen=True)
class Case:
    """A policy, the image that is asked for, and the lookaside's files ``signature-1`` and so on; None is a gap."""

    name: str
    policy: dict[str, Any]
    signatures: tuple[bytes | None, ...]
    told: str


@dataclass(frozen=True)
class Shelf:
    """One image in a registry: ``host``, its repositories, the tags in each, and the digest of its manifest."""

    host: str
    repositories: tuple[str, ...]
    tags: tuple[str, ...]
    digest: str

    def names(self) -> list[str]:
        """Every way to ask for it."""
        identifiers = [*(f":{tag}" for tag in self.tags), f"@{self.digest}"]
        return [f"{self.host}/{path}{rest}" for path in self.repositories for rest in identifiers]


@dataclass(frozen=True)
class KeyRack:
    """Keys by what is the matter with them, and the files of keys that policies name, in ``directory``."""

    signer: Signer
    fingerprints: dict[str, str]
    directory: Path

    def sign(
        self, content: bytes, *names: str, how: str = "--sign", at: str = "", options: tuple[str, ...] = ()
    ) -> bytes:
        """``content`` signed by keys, or with ``how`` what else gpg makes of it."""
        users = [word for name in names for word in ("--local-user", self.fingerprints[name])]
        clock = ["--faked-system-time", f"{at}!"] if at else []
        return self.signer.gpg(*clock, *options, *users, how, stdin=content)


def make_keys(signer: Signer, directory: Path) -> KeyRack:
    """Keys of each kind, and their files in ``directory``."""
    fingerprints = {
        "good": signer.make_key("good"),
        "other": signer.make_key("other", "rsa2048"),
        "expired": signer.make_key("expired", at=LONG_AGO, expire="seconds=86400"),
        "revoked": signer.make_key("revoked"),
    }
    good, other, expired, revoked = fingerprints.values()
    files = {
        "good.gpg": signer.public(good),
        "good.asc": signer.public(good, armor=True),
        "other.gpg": signer.public(other),
        "both.gpg": signer.public(good, other),
        "both.asc": signer.public(other, armor=True) + signer.public(good, armor=True),
        "secret.gpg": signer.secret(good),
        "expired.gpg": signer.public(expired),
        "revoked.gpg": _revoked(signer, revoked),
        "revoked-and-good.gpg": _revoked(signer, revoked) + signer.public(good),
        "empty.gpg": b"",
        "garbage.gpg": b"no key at all",
    }
    for name, content in files.items():
        (directory / name).write_bytes(content)
    return KeyRack(signer, fingerprints, directory)


def _revoked(signer: Signer, key: str) -> bytes:
    """``key`` as revoked; in the home of ``signer``, which goes on to sign with it, it is not."""
    with running_signer() as elsewhere:
        elsewhere.gpg("--import", stdin=signer.public(key))
        certificate = Path(signer.home, "openpgp-revocs.d", f"{key}.rev").read_text(encoding="utf-8")
        # A colon keeps people from importing it by mistake.
        elsewhere.gpg("--import", stdin=certificate.replace(":-----BEGIN", "-----BEGIN").encode())
        return elsewhere.public(key)


class Generator:
    """Cases from a seed. The same seed gives the same choices; keys and times in messages differ from run to run."""

    def __init__(self, seed: int, shelf: Shelf, keys: KeyRack) -> None:
        self._dice = random.Random(seed)
        self._shelf = shelf
        self._keys = keys.directory
        # A message is asked for by several cases, and takes gpg a while.
        self._sign = cache(keys.sign)

    def case(self, scopes_of: Callable[[str], tuple[str, ...]]) -> Case:
        """The next case; ``scopes_of`` gives the scopes that speak of a name."""
        name = self._dice.choice(self._shelf.names())
        made = [self._signature(name) for _number in range(self._pick([0, 1, 2, 3], [2, 12, 4, 1]))]
        return Case(
            name=name,
            policy=self._policy(scopes_of(name), name),
            signatures=tuple(blob for _told, blob in made),
            told=", ".join(told for told, _blob in made) or "no signature",
        )

    def _pick(self, choices: list[Any], weights: list[int]) -> Any:
        return self._dice.choices(choices, weights)[0]

    # --- Policies ---

    def _policy(self, scopes: tuple[str, ...], name: str) -> dict[str, Any]:
        applies = self._requirements(name)
        if self._dice.random() < 0.3:
            return {"default": applies, "transports": {"dir": {"": [REJECT]}}}
        misses = [f"{self._shelf.host}/n", f"{self._shelf.host}/ns/", "*.127.0.0.1", "docker.io"]
        scope = self._dice.choice(scopes)
        less = scopes[scopes.index(scope) + 1 :]
        others = {other: [self._dice.choice([ACCEPT, REJECT])] for other in self._dice.sample([*misses, *less], 2)}
        return {"default": [REJECT], "transports": {"docker": {**others, scope: applies}}}

    def _requirements(self, name: str) -> list[dict[str, Any]]:
        count = self._pick([1, 2, 3], [8, 3, 1])
        return [self._requirement(name) for _number in range(count)]

    def _requirement(self, name: str) -> dict[str, Any]:
        kind = self._pick(["signedBy", "accept", "reject", "base layer"], [20, 2, 1, 1])
        if kind == "accept":
            return ACCEPT
        if kind == "reject":
            return REJECT
        if kind == "base layer":
            return {"type": "signedBaseLayer", "baseLayerIdentity": {"type": "matchExact"}}
        requirement = {"type": "signedBy", "keyType": "GPGKeys", **self._key_source()}
        if self._dice.random() < 0.04:
            requirement["keyType"] = self._dice.choice(["signedByGPGKeys", "X509Certificates", "signedByX509CAs"])
        identity = self._identity(name)
        return {**requirement, "signedIdentity": identity} if identity else requirement

    def _key_source(self) -> dict[str, Any]:
        good = ["good.gpg", "good.asc", "both.gpg", "both.asc", "secret.gpg", "revoked-and-good.gpg"]
        bad = ["other.gpg", "expired.gpg", "revoked.gpg", "empty.gpg", "garbage.gpg", "missing.gpg"]
        file = self._dice.choice(good if self._dice.random() < 0.75 else bad)
        how = self._pick(["keyPath", "keyPaths", "keyData"], [5, 3, 2])
        if how == "keyPath":
            return {"keyPath": str(self._keys / file)}
        if how == "keyData":
            content = (self._keys / file).read_bytes() if file != "missing.gpg" else b""
            return {"keyData": base64.b64encode(content).decode()}
        files = self._dice.sample([file, self._dice.choice(good + bad), "other.gpg"], self._dice.randrange(1, 4))
        if len(files) > 1:
            # A file without a key beside others is one of the differences.
            files = [name for name in files if name not in ("empty.gpg", "garbage.gpg")]
        return {"keyPaths": [str(self._keys / name) for name in files] if self._dice.random() < 0.95 else []}

    def _identity(self, name: str) -> dict[str, Any] | None:
        kind = self._pick(
            ["", "matchExact", "matchRepoDigestOrExact", "matchRepository", "exactReference", "exactRepository"]
            + ["remapIdentity"],
            [6, 3, 2, 4, 3, 3, 4],
        )
        if not kind:
            return None
        if kind == "exactReference":
            return {"type": kind, "dockerReference": self._dice.choice(self._named_references(name)[:4])}
        if kind == "exactRepository":
            return {"type": kind, "dockerRepository": self._dice.choice(self._named_references(name))}
        if kind == "remapIdentity":
            return {"type": kind, **self._prefixes()}
        return {"type": kind}

    def _prefixes(self) -> dict[str, str]:
        host = self._shelf.host
        prefix, signed = self._dice.choice(
            [
                (f"{host}/mirror/ns", f"{host}/ns"),
                (f"{host}/mirror", host),
                (f"{host}/mir", host),
                (host, f"{host}/mirror"),
                (f"{host}/ns/app", f"{host}/ns/other"),
                (host, "vendor.example.com"),
                (host, "docker.io"),
                (f"{host}/ns", "docker.io/library"),
                (host.partition(":")[0], "vendor.example.com"),
                ("busybox", "BUSYBOX"),
            ]
        )
        return {"prefix": prefix, "signedPrefix": signed}

    # --- Signatures ---

    def _signature(self, name: str) -> tuple[str, bytes | None]:
        odd = self._dice.random() < 0.35
        reference = self._reference(name)
        if odd and self._dice.random() < 0.4:
            told, content = self._dice.choice(ODD_PAYLOADS)
            return f"{told} {reference!r}", self._sign(content(self._shelf.digest, reference), "good")
        content = as_payload(simple_document(self._shelf.digest, reference))
        if odd:
            told = self._dice.choice(list(_FORMS))
            return f"{told} {reference!r}", _FORMS[told](self, content)
        signer = self._pick(["good", "other"], [5, 1])
        return f"by {signer} {reference!r}", self._sign(content, signer)

    def _reference(self, name: str) -> str:
        if self._dice.random() < 0.55:
            return name
        return self._dice.choice([*self._named_references(name), *self._odd_references(name)])

    def _named_references(self, name: str) -> list[str]:
        """Names of the repository and its neighbours; the first four have a tag or a digest."""
        repository = name.partition("@")[0] if "@" in name else name.rpartition(":")[0]
        host, _slash, path = repository.partition("/")
        return [
            f"{repository}:{self._shelf.tags[0]}",
            f"{repository}:{self._shelf.tags[-1]}",
            f"{repository}@{self._shelf.digest}",
            f"{repository}@{OTHER_DIGEST}",
            repository,
            f"{host}/ns/app:{self._shelf.tags[0]}",
            f"{host}/mirror/{path}:{self._shelf.tags[0]}",
            f"vendor.example.com/{path}:{self._shelf.tags[0]}",
            f"{path}:{self._shelf.tags[0]}",
        ]

    def _odd_references(self, name: str) -> list[str]:
        return [
            "",
            f" {name}",
            f"{name}\n",
            name.upper(),
            f"{name}x",
            f"https://{name}",
            "app",
            name.replace("1", "\u0661"),
        ]


def _changed(change: Callable[[dict[str, Any]], Any]) -> Callable[[str, str], bytes]:
    def content(digest: str, reference: str) -> bytes:
        document = simple_document(digest, reference)
        replaced = change(document)
        return as_payload(document if replaced is None else replaced)

    return content


def _optional(**fields: Any) -> Callable[[str, str], bytes]:
    return _changed(lambda value: {**value, "optional": fields})


def _digest(digest: str) -> Callable[[str, str], bytes]:
    return lambda _digest, reference: as_payload(simple_document(digest, reference))


def _text(change: Callable[[bytes], bytes]) -> Callable[[str, str], bytes]:
    return lambda digest, reference: change(as_payload(simple_document(digest, reference)))


# What the payload is, and how it is made of the digest and the reference.
ODD_PAYLOADS: list[tuple[str, Callable[[str, str], bytes]]] = [
    ("of another manifest", _digest(OTHER_DIGEST)),
    ("of another manifest, by sha512", _digest("sha512:" + "0123456789abcdef" * 8)),
    ("of another type", _changed(lambda value: value["critical"].update(type="cosign container image signature"))),
    ("with a member more in critical", _changed(lambda value: value["critical"].update(x=1))),
    ("with a member more on top", _changed(lambda value: value.update(x=1))),
    ("with a member more in image", _changed(lambda value: value["critical"]["image"].update(x=1))),
    ("with a member more in identity", _changed(lambda value: value["critical"]["identity"].update(x=1))),
    ("with a member more in optional", _optional(x={"y": [1, None]})),
    ("without optional members", _optional()),
    ("without optional", _changed(lambda value: {"critical": value["critical"]})),
    ("with optional null", _changed(lambda value: {**value, "optional": None})),
    ("with optional an array", _changed(lambda value: {**value, "optional": []})),
    ("with creator null", _optional(creator=None)),
    ("with creator a number", _optional(creator=1)),
    ("with timestamp null", _optional(timestamp=None)),
    ("with timestamp negative", _optional(timestamp=-5)),
    ("with timestamp 1.0", _optional(timestamp=1.0)),
    ("with timestamp 1.5", _optional(timestamp=1.5)),
    ("with timestamp a text", _optional(timestamp="1")),
    ("with timestamp 2^63", _optional(timestamp=2**63)),
    ("with timestamp 1e400", _text(lambda text: text.replace(b"1700000000", b"1e400"))),
    ("with timestamp 1e3", _text(lambda text: text.replace(b"1700000000", b"1e3"))),
    ("without critical", _changed(lambda value: {"optional": {}})),
    ("without a type", _changed(lambda value: value["critical"].pop("type") and None)),
    ("with the reference a number", _changed(lambda value: value["critical"].update(identity={"docker-reference": 1}))),
    ("with image null", _changed(lambda value: value["critical"].update(image=None))),
    ("an array", _changed(lambda value: [value])),
    ("no JSON", lambda _digest, _reference: b"no JSON"),
    ("nothing", lambda _digest, _reference: b""),
    ("with white space around", _text(lambda text: b" \n" + text + b"\n ")),
    ("with a byte order mark", _text(lambda text: b"\xef\xbb\xbf" + text)),
    ("in UTF-16", _text(lambda text: text.decode().encode("utf-16"))),
    ("twice", _text(lambda text: text + text)),
    (
        "with two references",
        _text(lambda text: text.replace(b'{"docker-reference"', b'{"docker-reference":"a","docker-reference"')),
    ),
    ("with two criticals", _text(lambda text: text[:-1] + b',"critical":{}}')),
    ("with an escaped key", _text(lambda text: text.replace(b'"critical"', b'"\\u0063ritical"'))),
    ("with a creator twice", _text(lambda text: text.replace(b'{"creator"', b'{"creator":"a","creator"'))),
    ("with NaN", _text(lambda text: text.replace(b"1700000000", b"NaN"))),
]

Form = Callable[[Generator, bytes], "bytes | None"]

_FORMS: dict[str, Form] = {
    "uncompressed": lambda made, content: made._sign(content, "good", options=("-z", "0")),
    "in bzip2": lambda made, content: made._sign(content, "good", options=("--compress-algo", "bzip2")),
    "by SHA-512": lambda made, content: made._sign(content, "good", options=("--digest-algo", "SHA512")),
    "by an expired key": lambda made, content: made._sign(content, "expired", at=SOON_AFTER),
    "by a revoked key": lambda made, content: made._sign(content, "revoked"),
    "expired itself": lambda made, content: made._sign(
        content, "good", at=SOON_AFTER, options=("--default-sig-expire", "seconds=60", "--ignore-time-conflict")
    ),
    "dated in the future": lambda made, content: made._sign(content, "good", at=LATER),
    "by two keys": lambda made, content: made._sign(content, "good", "other"),
    "by nobody": lambda made, content: made._sign(content, how="--store"),
    "detached": lambda made, content: made._sign(content, "good", how="--detach-sign"),
    "armored": lambda made, content: made._sign(content, "good", options=("--armor",)),
    "clear-signed": lambda made, content: made._sign(content, "good", how="--clearsign"),
    "framed": lambda made, content: b"\0simple-signing\n" + made._sign(content, "good"),
    "framed as sigstore's": lambda made, content: b'\0sigstore-json\n{"mimeType":"x","payload":"","annotations":{}}',
    "framed as something": lambda made, content: b"\0something\n" + made._sign(content, "good"),
    "two messages": lambda made, content: made._sign(content, "good") + made._sign(content, "good"),
    "before an unsigned one": lambda made, content: made._sign(content, "good") + made._sign(content, how="--store"),
    "behind an unsigned one": lambda made, content: made._sign(content, how="--store") + made._sign(content, "good"),
    "with junk behind it": lambda made, content: made._sign(content, "good") + b"junk",
    "cut": lambda made, content: made._sign(content, "good", options=("-z", "0"))[:-9],
    "changed": lambda made, content: made._sign(content, "good", options=("-z", "0")).replace(b"atomic", b"ATOMIC"),
    "garbage": lambda made, content: b"garbage",
    "garbage that begins well": lambda made, content: b"\xa3\x01garbage",
    "empty": lambda made, content: b"",
    "missing": lambda made, content: None,
}
