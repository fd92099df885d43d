# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""skopeo and our judge agree on generated policies, names and signatures by real OpenPGP keys, in the verdict and in its cause.

Where they do not, and why, is the table DIFFERENCES here, and docs/trust.md.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.paths import ConfigPaths
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError, StrataError
from ansible_collections.strata.containers.plugins.module_utils._host.atomic_files import read_file
from ansible_collections.strata.containers.plugins.module_utils._host.commands import SystemCommands
from ansible_collections.strata.containers.plugins.module_utils._host.gpg import Gpg, gpg_environment
from ansible_collections.strata.containers.plugins.module_utils._model.reference import parse_reference
from ansible_collections.strata.containers.plugins.module_utils._model.signature import Signature, parse_signature
from ansible_collections.strata.containers.plugins.module_utils._trust.judge import judge
from ansible_collections.strata.containers.plugins.module_utils._trust.policy import parse_policy
from ansible_collections.strata.containers.plugins.module_utils._trust.scope import docker_scopes
from ansible_collections.strata.containers.plugins.module_utils._trust.subject import Subject, Tools
from lab.commands import missing_judges
from lab.fixtures import push
from lab.gpg_keys import as_payload, running_signer, simple_document
from lab.odd_images import GZIP, Entry, ImageLayout, make_tar
from lab.registry import running_registry
from lab.signed_cases import Case, Generator, KeyRack, Shelf, make_keys

SEED = 20260403
SAMPLES = 600 if os.environ.get("STRATA_TEST_LONG") else 50

ACCEPTED = "accepted"
# What skopeo says, and the code by which we say the same; the first that fits.
SAYINGS = [
    (r"Running image .* is rejected by policy", "policy_refused"),
    (r"A signature was required, but no signature exists", "signature_missing"),
    (r"No public keys imported|open [^ ]*: no such file or directory", "trusted_keys_invalid"),
    (
        r"Invalid GPG signature|Unexpected GPG signature count|No data|Signature by key .* is not accepted",
        "openpgp_refused",
    ),
    (r"Signature for identity .* is not accepted", "signed_identity_refused"),
    (r"Signature for digest .* does not match", "signed_digest_mismatch"),
    (
        r"Unknown key|Duplicate key|Key .* missing in a JSON object|JSON object expected|json: cannot unmarshal",
        "signed_payload_invalid",
    ),
    (
        r"invalid character|unexpected end of JSON input|Unrecognized signature type|Field optional\.",
        "signed_payload_invalid",
    ),
    (r"signedBaseLayer not implemented yet|Unimplemented .keyType. value", "policy_unsupported"),
    (r'parsing signature "', "invalid_signature"),
]
_JOINED = "None of the signatures were accepted, reasons: "


@dataclass(frozen=True)
class World:
    """A registry with one image under several names, keys, and a lookaside that each case fills."""

    shelf: Shelf
    manifest: bytes
    keys: KeyRack
    directory: Path

    def skopeo(self, case: Case) -> tuple[str, str]:
        """The code of skopeo's verdict, and all that it said."""
        self._fill(case)
        policy = self.directory / "policy.json"
        policy.write_text(json.dumps(case.policy), encoding="utf-8")
        command = ["skopeo", "--policy", str(policy), "--registries.d", str(self.directory / "registries.d")]
        command += ["copy", "--remove-signatures", "--src-tls-verify=false"]
        command += [f"docker://{case.name}", f"dir:{self.directory / 'copy'}"]
        done = subprocess.run(command, capture_output=True, check=False, text=True)
        return (ACCEPTED if done.returncode == 0 else code_of(done.stderr)), done.stderr

    def ours(self, case: Case) -> tuple[str, str]:
        """The code of our verdict, and its steps."""
        reference = parse_reference(case.name)
        identity = reference.digest_only().with_default_tag()
        policy = parse_policy(json.dumps(case.policy).encode(), "policy.json")
        subject = Subject(case.name, identity, _Evidence(self.manifest, case.signatures))
        tools = Tools(read_file=_key_file, openpgp=_gpg(), now=time.time)
        try:
            verdict = judge(policy, "docker", docker_scopes(reference), subject, tools)
        except StrataError as error:
            return error.code, str(error)
        assert verdict.accepted is (verdict.code == ACCEPTED)
        return verdict.code, "\n".join(verdict.steps)

    def _fill(self, case: Case) -> None:
        lookaside = self.directory / "lookaside"
        shutil.rmtree(lookaside, ignore_errors=True)
        place = lookaside / f"{parse_reference(case.name).path}@{self.shelf.digest.replace(':', '=')}"
        place.mkdir(parents=True)
        for number, blob in enumerate(case.signatures, 1):
            if blob is not None:
                (place / f"signature-{number}").write_bytes(blob)


@dataclass(frozen=True)
class _Evidence:
    body: bytes
    files: tuple[bytes | None, ...]

    def manifest(self) -> bytes:
        return self.body

    def signatures(self) -> list[Signature]:
        """Those up to the first gap."""
        count = self.files.index(None) if None in self.files else len(self.files)
        return [
            parse_signature(blob or b"", f"signature-{number}") for number, blob in enumerate(self.files[:count], 1)
        ]


def _key_file(path: str) -> bytes:
    data = read_file(path)
    if data is None:
        raise HostError("no such file", subject=path)
    return data


def _gpg() -> Any:
    return Gpg(SystemCommands(gpg_environment(ConfigPaths.of_this_user().environment_of_programs())))


def code_of(said: str) -> str:
    """The code for what skopeo said when it refused an image."""
    message = said.rpartition('level=fatal msg="')[2].rpartition('"')[0].replace('\\"', '"')
    reason = message.partition("Source image rejected: ")[2]
    parts = reason[len(_JOINED) :].split("; ") if reason.startswith(_JOINED) else [reason]
    codes = {_code(part, said) for part in parts}
    return codes.pop() if len(codes) == 1 else "signatures_refused"


def _code(reason: str, said: str) -> str:
    for pattern, code in SAYINGS:
        if re.match(pattern, reason, re.DOTALL):
            return code
    raise AssertionError(f"skopeo says something new: {said}")


@pytest.fixture(scope="module")
def world(judges: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    if missing_judges(["gpg"]):
        pytest.fail("missing: gpg")
    directory = tmp_path_factory.mktemp("signed")
    with running_registry(str(directory / "registry")) as registry, running_signer() as signer:
        layout = ImageLayout(str(directory / "layout"))
        digest = layout.add_image("tiny", [(gzip.compress(make_tar([Entry("file")]), mtime=0), GZIP)])["digest"]
        shelf = Shelf(registry.host, ("ns/app", "ns/other", "mirror/ns/app"), ("v1", "v2"), digest)
        for repository in shelf.repositories:
            for tag in shelf.tags:
                push(layout, "tiny", registry.reference(f"{repository}:{tag}"))
        for name in ("keys", "registries.d"):
            (directory / name).mkdir()
        keys = make_keys(signer, directory / "keys")
        lookaside = f"default-docker:\n  lookaside: file://{directory}/lookaside\n"
        (directory / "registries.d" / "default.yaml").write_text(lookaside, encoding="utf-8")
        manifest = (directory / "layout" / "blobs" / digest.replace(":", "/")).read_bytes()
        yield World(shelf, manifest, keys, directory)


def test_both_give_the_same_verdict_for_the_same_cause(world: World) -> None:
    generator = Generator(SEED, world.shelf, world.keys)
    seen: Counter[str] = Counter()
    for sample in range(SAMPLES):
        case = generator.case(lambda name: docker_scopes(parse_reference(name)))
        theirs, said = world.skopeo(case)
        ours, steps = world.ours(case)
        assert ours == theirs, (
            f"{sample}: {case.name}, {case.told}\n{json.dumps(case.policy)}\nwe: {steps}\nskopeo: {said}"
        )
        seen[ours] += 1
    print(dict(seen))
    # Enough of each verdict to mean something.
    assert seen[ACCEPTED] >= SAMPLES // 8 and len(seen) >= 7, seen


def _signed(options: tuple[str, ...]) -> Callable[[World], Case]:
    def case(world: World) -> Case:
        name = world.shelf.names()[0]
        content = as_payload(simple_document(world.shelf.digest, name))
        return _case(world, world.keys.sign(content, "other", options=options), "other.gpg")

    return case


def _by_a_subkey(world: World) -> Case:
    signer = world.keys.signer
    key = world.keys.fingerprints["below"] = signer.make_key("below")
    signer.add_subkey(key)
    (world.keys.directory / "below.gpg").write_bytes(signer.public(key))
    name = world.shelf.names()[0]
    content = as_payload(simple_document(world.shelf.digest, name))
    return _case(world, world.keys.sign(content, "below"), "below.gpg")


def _digest_in_capitals(world: World) -> Case:
    algorithm, _colon, digits = world.shelf.digest.partition(":")
    content = as_payload(simple_document(f"{algorithm}:{digits.upper()}", world.shelf.names()[0]))
    return _case(world, world.keys.sign(content, "good"), "good.gpg")


def _with_files(*files: str) -> Callable[[World], Case]:
    def case(world: World) -> Case:
        content = as_payload(simple_document(world.shelf.digest, world.shelf.names()[0]))
        return _case(world, world.keys.sign(content, "good"), *files)

    return case


def _armored_in_a_frame(world: World) -> Case:
    content = as_payload(simple_document(world.shelf.digest, world.shelf.names()[0]))
    message = world.keys.sign(content, "good", options=("--armor",))
    return _case(world, b"\0simple-signing\n" + message, "good.gpg")


def _case(world: World, message: bytes, *keys: str) -> Case:
    files = [str(world.keys.directory / key) for key in keys]
    requirement = {"type": "signedBy", "keyType": "GPGKeys", "keyPaths": files}
    return Case(world.shelf.names()[0], {"default": [requirement]}, (message,), "")


# What we do otherwise than skopeo 1.9.3, on purpose: the case, what skopeo says of it, and what we do.
DIFFERENCES: dict[str, tuple[Callable[[World], Case], str, str]] = {
    "SHA-1 is no longer believed": (_signed(("--digest-algo", "SHA1")), ACCEPTED, "openpgp_refused"),
    "nor is RIPEMD-160": (_signed(("--digest-algo", "RIPEMD160")), ACCEPTED, "openpgp_refused"),
    "a signing subkey counts as its key, as in newer releases": (_by_a_subkey, "openpgp_refused", ACCEPTED),
    "text is no binary data": (_signed(("--textmode",)), ACCEPTED, "openpgp_refused"),
    "armor is nothing to look at, in a frame either": (_armored_in_a_frame, ACCEPTED, "openpgp_refused"),
    "a file without a key is an error beside one with a key": (
        _with_files("good.gpg", "empty.gpg"),
        ACCEPTED,
        "trusted_keys_invalid",
    ),
    "a digest in capitals is no digest, as in newer releases": (
        _digest_in_capitals,
        "signed_digest_mismatch",
        "signed_payload_invalid",
    ),
}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_each_difference_is_as_it_is_told(world: World, name: str) -> None:
    make, theirs, ours = DIFFERENCES[name]
    case = make(world)
    assert (world.skopeo(case)[0], world.ours(case)[0]) == (theirs, ours)


def test_skopeo_takes_no_tag_beside_a_digest_and_we_go_by_the_digest(world: World) -> None:
    name = world.shelf.names()[0]
    content = as_payload(simple_document(world.shelf.digest, name))
    case = _case(world, world.keys.sign(content, "good"), "good.gpg")
    both = Case(f"{name}@{world.shelf.digest}", case.policy, case.signatures, "")
    done = subprocess.run(["skopeo", "inspect", f"docker://{both.name}"], capture_output=True, check=False, text=True)
    assert "both a tag and digest are currently not supported" in done.stderr, done.stderr
    assert world.ours(both)[0] == ACCEPTED
