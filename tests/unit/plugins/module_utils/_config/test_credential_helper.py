# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The protocol of credential helpers (docker-credential-helpers), and how it fails."""

from __future__ import annotations

import json
import traceback

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.credential_helper import (
    CredentialHelper,
    HelperFailed,
    HelperMissing,
)
from ansible_collections.strata.containers.plugins.module_utils._config.toml_file import InvalidConfig
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._host.commands import CommandTimeout, Finished
from ansible_collections.strata.containers.plugins.module_utils._model.credentials import Credentials
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._config.fake_helpers import (
    NOT_FOUND,
    FakeHelpers,
)

SECRET = "s3cr3t"
FILE = "/etc/auth.json"
ORIGIN = f"docker-credential-fake ({FILE})"


def helper(run: FakeHelpers) -> CredentialHelper:
    return CredentialHelper("fake", FILE, run, timeout=7)


def answering(status: int, output: bytes, errors: bytes = b"") -> CredentialHelper:
    return helper(FakeHelpers({"fake": Finished(status, output, errors)}))


def test_it_is_asked_by_its_standard_input() -> None:
    run = FakeHelpers({"fake": {"quay.io": ("user", SECRET)}})
    assert helper(run).get("quay.io") == Credentials("user", SECRET, origin=ORIGIN)
    assert run.asked == [("docker-credential-fake get", "quay.io")]


def test_it_stores_lists_and_erases() -> None:
    run = FakeHelpers({"fake": {}})
    helper(run).store("quay.io", "u", SECRET)
    ((command, text),) = run.asked
    assert command == "docker-credential-fake store"
    assert json.loads(text) == {"ServerURL": "quay.io", "Username": "u", "Secret": SECRET}
    helper(run).store("a.io", "v", SECRET)
    assert helper(run).servers() == ("a.io", "quay.io")
    helper(run).erase("quay.io")
    # Some helpers complain when there is nothing to erase.
    helper(run).erase("quay.io")
    assert helper(run).servers() == ("a.io",)


@pytest.mark.parametrize(
    ("output", "wanted"),
    [
        (b'{"ServerURL":"quay.io","Username":"u","Secret":"p"}\n', Credentials("u", "p", origin=ORIGIN)),
        (b'{"Username":"<token>","Secret":"t"}', Credentials(identity_token="t", origin=ORIGIN)),
        (b'{"Username":"","Secret":""}', None),
        (b"{}", None),
    ],
)
def test_the_answer_is_a_password_or_an_identity_token(output: bytes, wanted: Credentials | None) -> None:
    assert answering(0, output).get("quay.io") == wanted


@pytest.mark.parametrize("output", [NOT_FOUND, NOT_FOUND.strip(), b"\n " + NOT_FOUND])
def test_nothing_kept_is_no_failure(output: bytes) -> None:
    assert answering(1, output).get("quay.io") is None


@pytest.mark.parametrize(
    ("status", "output", "errors", "word"),
    [
        (1, b"the keychain is locked\n", b"", "the keychain is locked"),
        (1, b"", b"Traceback:\nValueError: no\n", "ValueError: no"),
        (1, b"locked", b"noise", "locked"),
        (-9, b"", b"", "killed by signal 9"),
        (4, b"", b"", "status 4"),
        (0, b"", b"", "no JSON object"),
        (0, b"[]", b"", "no JSON object"),
        (0, b'{"Username": "u", "Secret": 1}', b"", "no text"),
        # What means "none" only does so with a failure.
        (0, NOT_FOUND, b"", "no JSON object"),
    ],
)
def test_a_failure_says_why_and_who_named_the_helper(status: int, output: bytes, errors: bytes, word: str) -> None:
    with pytest.raises(HelperFailed) as caught:
        answering(status, output, errors).get("quay.io")
    error = caught.value
    assert (error.code, error.subject) == ("credential_helper_failed", "docker-credential-fake")
    assert word in error.message and FILE in error.message and "quay.io" in error.message


def test_what_it_says_is_cut_and_cannot_steer_a_terminal() -> None:
    with pytest.raises(HelperFailed) as caught:
        answering(1, b"\x1b[31mred\x07\nline\xff " + b"x" * 5000).get("quay.io")
    assert caught.value.message.isprintable() and len(caught.value.message) < 500
    assert "[31mred line" in caught.value.message


def test_one_that_is_not_installed_has_its_own_code() -> None:
    with pytest.raises(HelperMissing, match="PATH") as caught:
        helper(FakeHelpers({})).get("quay.io")
    assert (caught.value.code, caught.value.subject) == ("credential_helper_missing", "docker-credential-fake")
    assert FILE in caught.value.message


def test_one_that_does_not_end_or_cannot_be_run_has_failed() -> None:
    for error, word in ((CommandTimeout("too long"), "7 seconds"), (HostError("cannot run: bad format"), "bad format")):
        with pytest.raises(HelperFailed, match=word):
            helper(FakeHelpers({"fake": error})).get("quay.io")


@pytest.mark.parametrize("name", ["", "a/b", "../x", "-x", "a b", "a\0", "\u00e4"])
def test_a_name_that_could_name_another_file_is_refused(name: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        CredentialHelper(name, FILE, FakeHelpers({}))
    assert caught.value.subject == FILE


@pytest.mark.parametrize(
    ("verb", "status", "output", "errors"),
    [
        ("store", 1, f"cannot keep {SECRET}".encode(), b""),
        ("store", 1, b"", f"+ echo {SECRET}".encode()),
        ("get", 1, f'{{"Username": "u", "Secret": "{SECRET}"}}'.encode(), b""),
        ("get", 0, f'{{"Username": "u", "Secret": "{SECRET}"'.encode(), b""),
        ("get", 0, f'{{"Username": [], "Secret": "{SECRET}"}}'.encode(), b""),
    ],
)
def test_no_failure_shows_a_secret(verb: str, status: int, output: bytes, errors: bytes) -> None:
    it = answering(status, output, errors)
    with pytest.raises(HelperFailed) as caught:
        if verb == "get":
            it.get("quay.io")
        else:
            it.store("quay.io", "u", SECRET)
    shown = "".join(traceback.format_exception(type(caught.value), caught.value, caught.value.__traceback__))
    assert SECRET not in shown + repr(caught.value.facts())
    context = caught.value.__context__
    assert context is None or SECRET not in repr(context.args) + repr(vars(context))
