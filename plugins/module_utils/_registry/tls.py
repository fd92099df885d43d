# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""TLS with registries: the system's trust store, the administrator's additions, TLS 1.2 or later, and how it fails.

containers/image trusts the same: the roots of the system and every ``*.crt`` of certs.d, never a bundle of a library.
"""

from __future__ import annotations

import ssl

from .._errors import HostError, RemoteError
from .._model.foreign_text import printable
from .failures import PlainHttpAnswer, RegistryUnreachable, TlsFailed

# What OpenSSL makes of an answer in plain HTTP, by version.
_PLAIN_ANSWER = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"})


class BadCertificateFile(HostError):
    """A certificate or key file cannot be used."""

    code = "invalid_config"


def tls_context(
    *, verify: bool, ca_files: tuple[str, ...], client_certificate: tuple[str, str] | None
) -> ssl.SSLContext:
    """A context for clients. ``client_certificate`` is the paths of certificate and key.

    Without ``verify`` the server may be anyone. Raises BadCertificateFile, which names the file.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if verify:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        for path in ca_files:
            _add_authority(context, path)
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if client_certificate is not None:
        _add_client_certificate(context, *client_certificate)
    return context


def tls_fault(cause: BaseException, host: str) -> RemoteError | None:
    """The error that a failure of TLS means for a request to ``host``; None for another cause."""
    if type(cause).__name__ == "CertificateError":
        # urllib3's own, for another name than the server's. It is known by name: its place has moved often.
        return TlsFailed(f"the certificate is not trusted: {printable(str(cause))}", subject=host)
    if not isinstance(cause, ssl.SSLError):
        return None
    if isinstance(cause, ssl.SSLCertVerificationError):
        return TlsFailed(f"the certificate is not trusted: {cause.verify_message}", subject=host)
    if isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return RegistryUnreachable("the server closed the connection within TLS", subject=host, retryable=True)
    # One that Python raised by itself has no reason.
    reason = getattr(cause, "reason", None)
    if reason in _PLAIN_ANSWER:
        return PlainHttpAnswer("the server answered in plain http where https was wanted", subject=host)
    return TlsFailed(f"TLS failed: {reason or cause.strerror or 'no reason given'}", subject=host)


def _add_authority(context: ssl.SSLContext, path: str) -> None:
    try:
        context.load_verify_locations(cafile=path)
    except (OSError, ValueError) as error:
        raise BadCertificateFile(f"no certificate authority can be read: {_reason(error)}", subject=path) from error


def _add_client_certificate(context: ssl.SSLContext, certificate: str, key: str) -> None:
    try:
        # An encrypted key would make OpenSSL ask on the terminal; an empty password makes it fail instead.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        raise BadCertificateFile(
            f"the client certificate cannot be used with the key {key}: {_reason(error)}", subject=certificate
        ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)
