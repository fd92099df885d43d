# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Which images a prune may take: by label, by age, and by the names that are to be kept."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from .._errors import UsageError
from .._model.times import time_value

_SECOND = 1_000_000_000
_UNITS = {
    "ns": 1,
    "us": 1000,
    "\u00b5s": 1000,
    "\u03bcs": 1000,
    "ms": 1_000_000,
    "s": _SECOND,
    "m": 60 * _SECOND,
    "h": 3600 * _SECOND,
    "d": 86_400 * _SECOND,
}
_PART = rf"([0-9]+(?:\.[0-9]*)?)({'|'.join(_UNITS)})"
_DURATION = re.compile(rf"(?:{_PART})+", re.ASCII)
_UNIX = re.compile(r"([0-9]+)(?:\.([0-9]{1,9}))?", re.ASCII)
# Without a zone a time is the target's.
_LOCAL = ("%Y-%m-%d", "%Y-%m-%dT%H", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")


class InvalidFilter(UsageError):
    """The text is no filter of images."""

    code = "invalid_filter"


def cutoff(text: str, now: int) -> int:
    """The moment that ``text`` means, in nanoseconds since the epoch; ``now`` is the present in the same unit.

    ``text`` is a duration before now in Go's form (``1h30m``; ``d`` is a day), an RFC 3339 time, a date or time of the
    target's time zone, or seconds since the epoch, as for the filter ``until`` of podman. Raises InvalidFilter.
    """
    if _DURATION.fullmatch(text):
        return now - sum(_length(number, unit) for number, unit in re.findall(_PART, text))
    unix = _UNIX.fullmatch(text)
    if unix:
        return int(unix[1]) * _SECOND + int((unix[2] or "").ljust(9, "0"))
    try:
        return time_value(text)
    except ValueError:
        pass
    for form in _LOCAL:
        try:
            return int(time.mktime(time.strptime(text, form))) * _SECOND
        except (ValueError, OverflowError):
            continue
    raise InvalidFilter(
        "this is no time", subject="until", wanted="a duration such as 24h, a date or a time", found=text
    )


def created_before(created: str, moment: int) -> bool:
    """Whether the time ``created`` of a record lies before ``moment``; not so for one that cannot be read."""
    try:
        return time_value(created) < moment
    except ValueError:
        return False


def has_labels(labels: Mapping[str, str], wanted: Iterable[str]) -> bool:
    """Whether all of ``wanted`` are among the labels: each ``key`` or ``key=value``, with ``*`` in a key as in podman."""
    return all(_has_label(labels, *text.partition("=")[::2]) for text in wanted)


def matches_name(names: Iterable[str], patterns: Iterable[str]) -> bool:
    """Whether one of the names matches one of the shell patterns, in whose sense ``*`` stands for slashes too.

    Each name counts in full, without its registry, and without any directory; each of these with and without tag or digest.
    """
    forms = {form for name in names for form in _forms(name)}
    return any(fnmatchcase(form, pattern) for pattern in patterns for form in forms)


def _length(number: str, unit: str) -> int:
    whole, _point, fraction = number.partition(".")
    scale: int = 10 ** len(fraction)
    return (int(whole) * scale + int(fraction or 0)) * _UNITS[unit] // scale


def _has_label(labels: Mapping[str, str], key: str, value: str) -> bool:
    for label, found in labels.items():
        if value and found != value:
            continue
        # podman lets a pattern match anywhere in a key.
        if label == key or ("*" in key and fnmatchcase(label, f"*{key}*")):
            return True
    return False


def _forms(name: str) -> Iterator[str]:
    bare = name.partition("@")[0]
    last = bare.rpartition("/")[2]
    if ":" in last:
        bare = bare[: -len(last)] + last.partition(":")[0]
    for text in (name, bare):
        yield text
        yield text.partition("/")[2]
        yield text[bare.rfind("/") + 1 :]
