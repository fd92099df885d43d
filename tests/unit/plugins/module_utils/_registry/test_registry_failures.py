# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures of TLS and of the system, as errors of the engine."""

from __future__ import annotations

import errno
import ssl

import pytest
from ansible_collections.strata.containers.plugins.module_utils._registry.failures import causes, system_fault
from ansible_collections.strata.containers.plugins.module_utils._registry.tls import tls_context, tls_fault


def _verification(message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = message
    return error


def _with_reason(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, "failed")
    error.reason = reason
    return error


class CertificateError(ValueError):
    """As urllib3 has its own."""


@pytest.mark.parametrize(
    ("cause", "code", "text", "retryable"),
    [
        (_verification("certificate has expired"), "tls_failed", "not trusted: certificate has expired", False),
        (CertificateError("name 'a' is not 'b'"), "tls_failed", "not trusted: name 'a' is not 'b'", False),
        (_with_reason("WRONG_VERSION_NUMBER"), "tls_failed", "plain http", False),
        (_with_reason("RECORD_LAYER_FAILURE"), "tls_failed", "plain http", False),
        (_with_reason("TLSV1_ALERT_PROTOCOL_VERSION"), "tls_failed", "TLSV1_ALERT_PROTOCOL_VERSION", False),
        (ssl.SSLError(1, "words"), "tls_failed", "words", False),
        (ssl.SSLEOFError(8, "EOF"), "registry_unreachable", "closed the connection within TLS", True),
        (ssl.SSLZeroReturnError(6, "closed"), "registry_unreachable", "closed the connection within TLS", True),
    ],
)
def test_a_failure_of_tls_is_told(cause: Exception, code: str, text: str, retryable: bool) -> None:
    error = tls_fault(cause, "h")
    assert error is not None
    assert (error.code, error.subject, error.retryable) == (code, "h", retryable)
    assert text in str(error)


@pytest.mark.parametrize(
    ("number", "retryable"),
    [
        (errno.ECONNREFUSED, True),
        (errno.ECONNRESET, True),
        (errno.EHOSTUNREACH, True),
        (errno.ETIMEDOUT, True),
        (errno.EACCES, False),
        (errno.EMFILE, False),
    ],
)
def test_a_failure_of_the_system_may_pass_or_not(number: int, retryable: bool) -> None:
    error = system_fault(OSError(number, "words"), "h")
    assert error is not None
    assert (error.code, error.retryable) == ("registry_unreachable", retryable)


def test_other_exceptions_say_nothing() -> None:
    for cause in (ValueError("x"), OSError("no number")):
        assert tls_fault(cause, "h") is None and system_fault(cause, "h") is None


def test_causes_are_found_wherever_a_library_keeps_them_and_once() -> None:
    inner, context = OSError(errno.ECONNRESET, "reset"), KeyError("context")
    outer = ValueError("text", inner)
    outer.__cause__ = inner
    inner.__context__ = context
    context.__context__ = outer
    assert list(causes(outer)) == [outer, inner, context]


def test_tls_is_1_2_at_least_and_verifies_unless_told_otherwise() -> None:
    strict = tls_context(verify=True, ca_files=(), client_certificate=None)
    loose = tls_context(verify=False, ca_files=(), client_certificate=None)
    assert strict.minimum_version == loose.minimum_version == ssl.TLSVersion.TLSv1_2
    assert (strict.verify_mode, strict.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert (loose.verify_mode, loose.check_hostname) == (ssl.CERT_NONE, False)
