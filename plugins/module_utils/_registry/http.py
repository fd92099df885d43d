# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""HTTP requests to registries and to the hosts they send us to; the only file that knows the library ``urllib3``.

What this file promises to everything above it:

- Every failure is a RemoteError without secrets: no query of an address, no header, no exception of the library.
- ``Authorization`` goes to the scheme, host and port that the caller named, and never along a redirect elsewhere.
- https does not become http, unless the caller allowed http.
- The body arrives as sent, undecoded, and one that ends early is an error.
- Neither ``.netrc``, nor cookies, nor a bundle of certificates of a library play a part; proxies of the environment do.
- A connection serves one request at a time and stays open for the next one, whichever thread sends it.
- No byte of a body that came is dropped: what came before a failure is given out before the failure is told.
- A connection that the server closed while nobody used it is no failure: the request goes out on another one.
"""

from __future__ import annotations

import base64
import socket
import ssl
import threading
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPException, IncompleteRead, LineTooLong, RemoteDisconnected
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import unquote, urlencode, urlsplit
from urllib.request import getproxies_environment

from .._errors import MissingLibraryError, RemoteError
from .._model.foreign_text import printable
from .errors import NotARegistry
from .failures import ConnectionLost, EarlyEnd, HeaderTooLarge, RegistryUnreachable, causes, system_fault
from .proxies import proxy_for
from .tls import tls_context, tls_fault
from .urls import origin, redacted, resolved

try:
    import urllib3
except ImportError:
    HAS_URLLIB3 = False
else:
    HAS_URLLIB3 = True

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REDIRECT_LIMIT = 10
_CONNECT_TIMEOUT = 30.0
# How many connections to one host are kept open while nobody uses them; there are never more threads that do.
_KEPT_CONNECTIONS = 32
# A redirect says in some words where it leads; reading them keeps the connection.
_SHORT_BODY = 64 * 1024


class UnsafeRedirect(RemoteError):
    """The server sends us where we do not go."""

    code = "unsafe_redirect"


@dataclass(frozen=True)
class ConnectionOptions:
    """How hosts are reached. ``timeout`` is in seconds without a byte.

    Without ``verify`` a server may show any certificate. ``allow_http`` lets http stand in where https is not spoken.
    ``ca_files`` are authorities besides the system's; ``client_certificate`` is the paths of a certificate and its key.
    """

    timeout: float = 60.0
    verify: bool = True
    allow_http: bool = False
    ca_files: tuple[str, ...] = ()
    client_certificate: tuple[str, str] | None = None
    user_agent: str = "strata.containers"


class HttpResponse:
    """An answer whose body is still to be read.

    Leaving its context gives the connection back for the next request, or closes it if bytes are left.
    """

    def __init__(self, response: Any, method: str, url: str, timeout: float) -> None:
        self._response = response
        self._timeout = timeout
        self._remaining = _content_length(response, method)
        self._failure: ConnectionLost | None = None
        self.url = url
        self.status: int = response.status

    def __enter__(self) -> HttpResponse:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def remaining(self) -> int | None:
        """How many bytes of the body are still to come; None where the server did not say."""
        return self._remaining

    def header(self, name: str) -> str:
        """The value of a header, without the spaces around it; empty where it is missing."""
        return str(self._response.headers.get(name, "")).strip(" \t")

    def header_lines(self, name: str) -> list[str]:
        """Every line of a header that may stand several times, apart."""
        return [str(value) for value in self._response.headers.getlist(name)]

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes of the body, fewer before its end or a failure; empty at its end. Raises ConnectionLost."""
        if self._failure:
            raise self._failure
        pieces = []
        while size > 0:
            try:
                piece = self._receive(size)
            except ConnectionLost as error:
                self._failure = error
                break
            if not piece:
                break
            pieces.append(piece)
            size -= len(piece)
        if self._failure and not pieces:
            raise self._failure
        return b"".join(pieces)

    def close(self) -> None:
        """Gives the connection back, or closes it where bytes of the body are left. May be called again."""
        if self._remaining == 0:
            self._finish()
        self._response.close()
        self._response.release_conn()

    def _receive(self, size: int) -> bytes:
        """What one look at the socket brings, at most ``size`` bytes; empty at the end of the body. Raises ConnectionLost."""
        size = size if self._remaining is None else min(size, self._remaining)
        failure = None
        data = b""
        try:
            # With one system call, unlike read(): that collects the answers of several, and drops them when the last fails.
            data = self._response._fp.read1(size) if size else b""
        except _failures() as error:
            failure = self._lost(error)
        if failure:
            # Outside of the handler, so that the library's exception, which holds the request, does not travel along.
            raise failure
        if not data and self._remaining:
            raise EarlyEnd(f"the connection was closed {self._remaining} bytes too early", subject=redacted(self.url))
        if self._remaining is not None:
            self._remaining -= len(data)
        if not data or self._remaining == 0:
            self._finish()
        return data

    def _lost(self, error: Exception) -> ConnectionLost:
        message = f"the connection was lost: {_failure(error, '', self._timeout).message}"
        if isinstance(error, IncompleteRead):
            return EarlyEnd(message, subject=redacted(self.url))
        return ConnectionLost(message, subject=redacted(self.url), retryable=True)

    def _finish(self) -> None:
        """Gives the connection of a body that was read to its end back to the library."""
        body = self._response._fp
        if not body.isclosed():
            # Older versions of Python do not count what read1() takes, and would wait for it here.
            body.length = 0
            body.read(1)
        self._response.release_conn()


class _Unanswered(NamedTuple):
    """Why no answer came, and whether that was no more than the end of a connection that was kept.

    A server closes one that is idle, maybe just when it is used again. Then Go's client sends the request anew, too.
    """

    error: RemoteError
    may_repeat: bool


class HttpClient:
    """Sends requests. Safe to share between threads.

    Raises MissingLibraryError and BadCertificateFile when it is made.
    """

    def __init__(self, options: ConnectionOptions) -> None:
        if not HAS_URLLIB3:
            raise MissingLibraryError("urllib3", "to talk to a registry")
        self.options = options
        self._tls = tls_context(
            verify=options.verify, ca_files=options.ca_files, client_certificate=options.client_certificate
        )
        if getattr(urllib3, "__version__", "").startswith("1."):
            # Before version 2, urllib3 compares names itself, and leaves an address out where the context would need it.
            self._tls.check_hostname = False
        self._lock = threading.Lock()
        # By the address of the proxy, empty for none.
        self._managers: dict[str, Any] = {}
        if not options.verify:
            # The user has decided this; a line on stderr for each connection would not help to decide otherwise.
            warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        authorization: str = "",
        form: Sequence[tuple[str, str]] | None = None,
        may_downgrade: bool = True,
    ) -> HttpResponse:
        """The answer to a request, whatever its status, after at most ten redirects.

        ``authorization`` is a secret for the origin of ``url`` alone. A ``form`` (sent as a body) follows no redirect
        to another origin. Without ``may_downgrade`` no redirect leads from https to http, even where http is allowed.
        Raises RegistryUnreachable, TlsFailed, NotARegistry, UnsafeRedirect, BadAddress.
        """
        start = origin(url)
        for _count in range(_REDIRECT_LIMIT + 1):
            response = self._send(method, url, headers or {}, authorization, form)
            if response.status not in _REDIRECTS or not response.header("Location"):
                return response
            with response:
                target = resolved(url, response.header("Location"))
                with suppress(ConnectionLost):
                    response.read(_SHORT_BODY)
            self._check_redirect(url, target, may_downgrade)
            if origin(target) != start:
                if form is not None:
                    raise UnsafeRedirect("a form with credentials is not sent elsewhere", subject=redacted(target))
                # Gone for good: a host that was reached by a redirect must not be able to send us back with it.
                authorization = ""
            if response.status in (301, 302, 303) and method not in ("GET", "HEAD"):
                method, form = "GET", None
            url = target
        raise UnsafeRedirect(f"stopped after {_REDIRECT_LIMIT} redirects", subject=redacted(url))

    def close(self) -> None:
        """Closes all connections."""
        with self._lock:
            managers, self._managers = self._managers, {}
        for manager in managers.values():
            manager.clear()

    def _check_redirect(self, url: str, target: str, may_downgrade: bool = True) -> None:
        if (
            origin(url)[0] == "https"
            and origin(target)[0] == "http"
            and not (may_downgrade and self.options.allow_http)
        ):
            raise UnsafeRedirect("a redirect from https to http is not followed", subject=redacted(target))

    def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        authorization: str,
        form: Sequence[tuple[str, str]] | None,
    ) -> HttpResponse:
        repeats = _KEPT_CONNECTIONS
        while True:
            answer = self._send_once(method, url, headers, authorization, form)
            if isinstance(answer, HttpResponse):
                return answer
            if not answer.may_repeat or not repeats:
                # Outside of the handler, so that the library's exception, which holds the request, does not travel along.
                raise answer.error
            repeats -= 1

    def _send_once(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        authorization: str,
        form: Sequence[tuple[str, str]] | None,
    ) -> HttpResponse | _Unanswered:
        timeout = self.options.timeout
        kept = False
        try:
            manager = self._manager(proxy_for(url, self._proxy_variables))
            kept = _keeps_connection(manager.connection_from_url(url))
            response = manager.request(
                method,
                url,
                body=None if form is None else urlencode(form),
                headers=self._headers(headers, authorization, form),
                timeout=urllib3.Timeout(connect=min(_CONNECT_TIMEOUT, timeout), read=timeout),
                retries=False,
                redirect=False,
                preload_content=False,
            )
        except _failures() as error:
            # Of a form nobody knows whether it was received.
            may_repeat = kept and form is None and _closed_before_answer(error)
            return _Unanswered(_failure(error, _host(url), timeout), may_repeat)
        return HttpResponse(response, method, url, timeout)

    def _headers(
        self, headers: Mapping[str, str], authorization: str, form: Sequence[tuple[str, str]] | None
    ) -> dict[str, str]:
        # A transfer that is compressed on the way would not have the digest of the blob.
        always = {"User-Agent": self.options.user_agent, "Accept-Encoding": "identity"}
        kind = {} if form is None else {"Content-Type": "application/x-www-form-urlencoded"}
        return {**always, **kind, **headers, **({"Authorization": authorization} if authorization else {})}

    @cached_property
    def _proxy_variables(self) -> dict[str, str]:
        """The proxies of the environment; looking through all of it takes as long as a tenth of a request."""
        return getproxies_environment()

    def _manager(self, proxy: str) -> Any:
        """The library's keeper of connections through ``proxy``, without one where that is empty."""
        with self._lock:
            if proxy not in self._managers:
                self._managers[proxy] = self._new_manager(proxy)
            return self._managers[proxy]

    def _new_manager(self, proxy: str) -> Any:
        # With a context of ours the library loads no trust store of its own.
        options: dict[str, Any] = {
            "ssl_context": self._tls,
            "cert_reqs": "CERT_REQUIRED" if self.options.verify else "CERT_NONE",
            "maxsize": _KEPT_CONNECTIONS,
        }
        if not proxy:
            return urllib3.PoolManager(**options)
        if proxy.startswith("socks"):
            return _socks_manager(proxy, options)
        return urllib3.ProxyManager(proxy, proxy_headers=_proxy_headers(proxy), proxy_ssl_context=self._tls, **options)


def _socks_manager(proxy: str, options: Mapping[str, Any]) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from urllib3.contrib.socks import SOCKSProxyManager
    except ImportError:
        raise MissingLibraryError("PySocks", "to go through a SOCKS proxy") from None
    return SOCKSProxyManager(proxy, **options)


def _proxy_headers(proxy: str) -> dict[str, str]:
    """User and password in UTF-8, as Go sends them; the library would take Latin-1."""
    parts = urlsplit(proxy)
    if not parts.username:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"}


def _keeps_connection(pool: Any) -> bool:
    """Whether one is open that nobody uses: the next request takes it, and makes none."""
    return any(connection is not None for connection in list(pool.pool.queue))


def _closed_before_answer(error: Exception) -> bool:
    closed = (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
    return any(isinstance(cause, closed) for cause in causes(error))


def _content_length(response: Any, method: str) -> int | None:
    """The length of the body that is to come; None where it is not known beforehand."""
    if method == "HEAD" or response.status in (204, 304):
        return 0
    length = response.headers.get("Content-Length", "")
    if response.headers.get("Transfer-Encoding") or not (length.isascii() and length.isdigit()):
        return None
    return int(length)


def _host(url: str) -> str:
    return redacted(url).partition("://")[2].partition("/")[0]


def _failures() -> tuple[type[Exception], ...]:
    """Whatever a request can raise: not all of it is the library's own (UnicodeError is a ValueError)."""
    return (urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError)


def _failure(error: Exception, host: str, timeout: float) -> RemoteError:
    """The error of the engine for an exception of the library, judged by the outermost fault that is a known one."""
    for cause in causes(error):
        told = _network_fault(cause, host, timeout) or tls_fault(cause, host) or system_fault(cause, host)
        if told and _before_the_proxy(error) and not told.message.startswith("the proxy"):
            text = f"the proxy cannot be reached: {told.message}"
            return RegistryUnreachable(text, subject=host, retryable=told.retryable)
        if told:
            return told
    return RegistryUnreachable(f"the request failed: {type(error).__name__}", subject=host)


def _before_the_proxy(error: Exception) -> bool:
    """Whether the request came no further than to the proxy."""
    return any(isinstance(cause, urllib3.exceptions.ProxyError) for cause in causes(error))


def _network_fault(cause: BaseException, host: str, timeout: float) -> RemoteError | None:
    if isinstance(cause, RemoteDisconnected):
        return RegistryUnreachable("the server closed the connection without an answer", subject=host, retryable=True)
    if isinstance(cause, IncompleteRead):
        return RegistryUnreachable("the server closed it too early", subject=host, retryable=True)
    if isinstance(cause, LineTooLong) or (isinstance(cause, HTTPException) and str(cause).startswith("got more than")):
        return HeaderTooLarge("the header of the answer is too large", subject=host, found=str(cause))
    if isinstance(cause, HTTPException):
        return NotARegistry(f"the server does not speak HTTP: {type(cause).__name__}", subject=host)
    if isinstance(cause, OSError) and str(cause).startswith("Tunnel connection failed"):
        return RegistryUnreachable(f"the proxy refuses: {printable(str(cause))}", subject=host)
    if isinstance(cause, socket.gaierror):
        # "No such name" stays so; a name server that is out of reach may come back.
        passing = cause.errno == socket.EAI_AGAIN
        return RegistryUnreachable(f"the host was not found: {cause.strerror}", subject=host, retryable=passing)
    # Before urllib3 2, every connection that could not be made was a kind of timeout.
    if isinstance(cause, urllib3.exceptions.NewConnectionError):
        return None
    if isinstance(cause, (urllib3.exceptions.TimeoutError, TimeoutError, socket.timeout)):
        return RegistryUnreachable(f"no answer within {timeout:g} seconds", subject=host, retryable=True)
    return None
