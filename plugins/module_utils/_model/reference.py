# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The name of an image: registry, repository, tag and digest (distribution/reference, as containers/image uses it)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .._errors import UsageError
from .digest import Digest, InvalidDigest

DEFAULT_DOMAIN = "docker.io"
DEFAULT_TAG = "latest"
_OFFICIAL = "library/"

# Bytes of domain and path together, after normalisation.
_NAME_LIMIT = 255
# Longer input cannot be a reference; the cap keeps the matcher's work small whatever is handed in.
_INPUT_LIMIT = 1024

_DOMAIN_COMPONENT = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = rf"{_DOMAIN_COMPONENT}(?:\.{_DOMAIN_COMPONENT})*(?::[0-9]+)?"
# A run of dashes is written with "+": inside a repeated group "*" would backtrack exponentially.
_PATH_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = rf"{_PATH_COMPONENT}(?:/{_PATH_COMPONENT})*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9A-Fa-f]{32,}"
_DOMAIN_ONLY = re.compile(_DOMAIN, re.ASCII)
_REFERENCE = re.compile(
    rf"(?P<domain>{_DOMAIN})/(?P<path>{_PATH})(?::(?P<tag>{_TAG}))?(?:@(?P<digest>{_DIGEST}))?", re.ASCII
)
_TAG_ONLY = re.compile(_TAG, re.ASCII)
_IMAGE_ID = re.compile(r"[a-f0-9]{64}", re.ASCII)


class InvalidReference(UsageError):
    """The text is not the name of an image."""

    code = "invalid_reference"


class ImageIdGiven(InvalidReference):
    """The text is an image ID, where only a name can be used."""

    code = "image_id_not_a_name"


@dataclass(frozen=True)
class Reference:
    """A normalised name: ``domain`` (host, with port if any), ``path`` of the repository, and a tag, a digest, both or none."""

    domain: str
    path: str
    tag: str | None = None
    digest: Digest | None = None

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"

    @property
    def name(self) -> str:
        """Domain and path, without tag and digest."""
        return f"{self.domain}/{self.path}"

    def familiar(self) -> str:
        """The short form for people: without ``docker.io/``, and without ``library/`` of an official image."""
        text = str(self)
        if self.domain != DEFAULT_DOMAIN:
            return text
        text = text[len(DEFAULT_DOMAIN) + 1 :]
        official = self.path.startswith(_OFFICIAL) and "/" not in self.path[len(_OFFICIAL) :]
        return text[len(_OFFICIAL) :] if official else text

    def with_default_tag(self) -> Reference:
        """The same, with the tag ``latest`` where there is neither tag nor digest."""
        return self if self.tag or self.digest else replace(self, tag=DEFAULT_TAG)

    def digest_only(self) -> Reference:
        """The same without its tag where there is a digest, as podman names images."""
        return replace(self, tag=None) if self.digest else self

    def with_name(self, name: str) -> Reference:
        """The same tag and digest in another repository; ``name`` is a normalised name. Raises InvalidReference."""
        other = parse_reference(name)
        if other.tag or other.digest or other.name != name:
            raise InvalidReference("repository name must be canonical", subject=name)
        return replace(self, domain=other.domain, path=other.path)


def parse_reference(text: str) -> Reference:
    """The full name that a person's ``text`` stands for, without a default tag.

    A first component with a dot or a colon, or ``localhost``, is a host; otherwise the image is docker.io's, and one of a
    single component is in ``library/``. Raises InvalidReference, and ImageIdGiven for 64 hexadecimal digits.
    """
    if _IMAGE_ID.fullmatch(text):
        raise ImageIdGiven(
            f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings: "
            "this is an image ID, and a name is needed",
            subject=text,
        )
    if len(text) > _INPUT_LIMIT:
        raise InvalidReference(
            "invalid reference format",
            subject=f"{text[:40]}...",
            wanted=f"at most {_INPUT_LIMIT} characters",
            found=str(len(text)),
        )
    domain, remainder = _split_domain(text)
    _require_lower_case(text, remainder)
    full = f"{domain}/{remainder}"
    match = _REFERENCE.fullmatch(full)
    if match is None:
        raise _bad_format(text, full)
    length = len(match["domain"]) + 1 + len(match["path"])
    if length > _NAME_LIMIT:
        raise InvalidReference(
            f"repository name must not be more than {_NAME_LIMIT} characters", subject=text, found=str(length)
        )
    return Reference(match["domain"], match["path"], match["tag"], _digest(text, match["digest"]))


def is_tag(text: str) -> bool:
    """Whether ``text`` can be the tag of a reference."""
    return _TAG_ONLY.fullmatch(text) is not None


def with_tag(text: str, tag: str) -> str:
    """The name ``text``, which has neither tag nor digest, with ``tag``. Raises InvalidReference for what is no tag."""
    if not is_tag(tag):
        # A slash or an at sign in it would make another name of both.
        raise InvalidReference(
            "invalid tag format", subject=text, wanted="up to 128 letters, digits, and any of _.-", found=repr(tag)
        )
    return f"{text}:{tag}"


def names_registry(text: str) -> bool:
    """Whether ``text``, the name of an image, begins with a host: a first component with a dot or a colon, or ``localhost``."""
    first, slash, _rest = text.partition("/")
    return bool(slash) and ("." in first or ":" in first or first == "localhost")


def _split_domain(text: str) -> tuple[str, str]:
    if names_registry(text):
        domain, _slash, remainder = text.partition("/")
    else:
        domain, remainder = DEFAULT_DOMAIN, text
    if domain == "index.docker.io":
        domain = DEFAULT_DOMAIN
    if domain == DEFAULT_DOMAIN and "/" not in remainder:
        remainder = _OFFICIAL + remainder
    return domain, remainder


def _require_lower_case(text: str, remainder: str) -> None:
    repository = remainder.partition(":")[0]
    if repository.lower() != repository:
        raise InvalidReference("invalid reference format: repository name must be lowercase", subject=text)


def _bad_format(text: str, full: str) -> InvalidReference:
    """The error for ``text``, which stands for ``full``, with the place where it stops being a reference."""
    good = _REFERENCE.match(full) or _DOMAIN_ONLY.match(full)
    # What normalisation put in front of the text is no part of what the person sees.
    place = max(0, (good.end() if good else 0) - (len(full) - len(text)))
    return InvalidReference(
        f"invalid reference format at character {place + 1}",
        subject=text if text and text.isprintable() else repr(text),
        wanted="[host[:port]/]repository[:tag][@digest]",
        found=repr(text[place:]),
    )


def _digest(text: str, digest: str | None) -> Digest | None:
    if digest is None:
        return None
    try:
        return Digest.parse(digest)
    except InvalidDigest as error:
        raise InvalidReference(error.message, subject=text) from error  # pylint: disable=bad-exception-cause
