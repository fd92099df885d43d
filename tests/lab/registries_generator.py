# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries files and names of images made from a seed: mostly good ones, and some of each kind of fault."""

from __future__ import annotations

import random

from .config_host import CACHE, DROP_INS, EXPLICIT, HOME_DROP_INS, HOME_MAIN, MAIN, ScratchHost

DIGEST = "sha256:" + "0123456789abcdef" * 4

_HOSTS = ["example.com", "a.example.com", "b.a.example.com", "example.com:5000", "quay.io", "docker.io"]
_PATHS = ["", "/ns", "/ns/app", "/library", "/"]
_WILDCARDS = ["*.example.com", "*.a.example.com", "*.com", "*.io"]


def registry_tables(dice: random.Random, most: int = 4) -> str:
    """One to ``most`` ``[[registry]]`` tables with their mirrors."""
    return "\n".join(_registry_table(dice) for _table in range(dice.randrange(1, most + 1)))


def _registry_table(dice: random.Random) -> str:
    lines = ["[[registry]]"]
    if dice.random() < 0.7:
        prefix = dice.choice(_WILDCARDS) if dice.random() < 0.3 else dice.choice(_HOSTS) + dice.choice(_PATHS)
        lines.append(f'prefix="{prefix}"')
    if dice.random() < 0.85:
        lines.append(f'location="{dice.choice([*_HOSTS, "mirror.test"])}{dice.choice(_PATHS)}"')
    lines += [f"{flag}=true" for flag in ("insecure", "blocked", "mirror-by-digest-only") if dice.random() < 0.2]
    for _mirror in range(dice.randrange(3)):
        # skopeo 1.9.3 forgets to trim the slash at the end of a mirror's location (it does that of a registry's).
        lines += ["[[registry.mirror]]", f'location="{dice.choice([*_HOSTS, "m.test"])}{dice.choice(_PATHS[:-1])}"']
        if dice.random() < 0.3:
            lines.append("insecure=true")
        if dice.random() < 0.3:
            lines.append(f'pull-from-mirror="{dice.choice(["all", "digest-only", "tag-only"])}"')
    return "\n".join(lines)


def short_name_settings(dice: random.Random, fault: float = 0.015) -> str:
    """Search list, mode and aliases, each there or not; an entry is wrong with the probability ``fault``."""
    lines = []
    if dice.random() < 0.6:
        places = ["a.test", "b.test:5000", "docker.io", "quay.io/", "plain"]
        entries = dice.sample(places, dice.choice([0, 1, 2, 2, 3]))
        if dice.random() < fault:
            entries.append(dice.choice(["a_b", "a.test/ns", "https://a.test", ""]))
        lines.append(f"unqualified-search-registries=[{', '.join(map(_quoted, entries))}]")
    if dice.random() < 0.4:
        modes = ["permissive", "enforcing", "enforcing", "disabled", ""]
        lines.append(f"short-name-mode={_quoted('Disabled' if dice.random() < fault else dice.choice(modes))}")
    if dice.random() < 0.2:
        lines.append(f"credential-helpers=[{dice.choice(['', _quoted('containers-auth.json')])}]")
    return "\n".join([*lines, aliases(dice, fault) if dice.random() < 0.6 else ""])


def aliases(dice: random.Random, fault: float = 0.015) -> str:
    """An ``[aliases]`` table."""
    lines = ["[aliases]"]
    for name in dice.sample(["app", "team/app", "other", "library/app", "A/b", "x"], dice.randrange(3)):
        lines.append(f"{_quoted(name)}={_quoted(_alias_value(dice, fault))}")
    if dice.random() < fault:
        name = dice.choice(["app:1", "quay.io/app", "App", f"app@{DIGEST}", "a..b", "localhost/app", ""])
        lines.append(f'{_quoted(name)}="c.test/app"')
    return "\n".join(lines)


def _alias_value(dice: random.Random, fault: float) -> str:
    if dice.random() < fault:
        return dice.choice(["c.test/app:1", "team/app", "c.test", "c.test//app", f"c.test/app@{DIGEST}", "C.test/App"])
    return dice.choice(["c.test/x/app", "docker.io/hub", "d.test:5000/app", "EXAMPLE.com/app", ""])


def version_1(dice: random.Random) -> str:
    """A file of version 1."""
    tables = []
    for name in ("search", "insecure", "block"):
        if dice.random() < 0.7:
            places = dice.sample(["quay.io", "example.com:5000", "a.test", "docker.io/", "b.test"], dice.randrange(4))
            tables.append(f"[registries.{name}]\nregistries=[{', '.join(map(_quoted, places))}]")
    return "\n".join(tables)


def furnish(dice: random.Random, host: ScratchHost, *, explicit: bool) -> None:
    """Gives ``host`` some of the files that a tool may read, ``explicit`` EXPLICIT among them."""
    host.clear()
    mains = [(MAIN, 0.7), (HOME_MAIN, 0.25), *([(EXPLICIT, 1.0)] if explicit else [])]
    for path, probability in mains:
        if dice.random() < probability:
            host.write(path, version_1(dice) if dice.random() < 0.15 else _version_2(dice))
    for directory in (DROP_INS, HOME_DROP_INS):
        for name in dice.sample(["10-a.conf", "20-b.conf", "000-shortnames.conf", "x.txt"], dice.randrange(3)):
            content = version_1(dice) if dice.random() < 0.03 else _version_2(dice)
            host.write(f"{directory}/{name}", content)
    if dice.random() < 0.3:
        host.write(CACHE, aliases(dice))


def _version_2(dice: random.Random) -> str:
    return short_name_settings(dice) + ("\n" + registry_tables(dice, 2) if dice.random() < 0.4 else "")


_NAMES = ["busybox", "app:1", "team/app", "library/app:1.2", "quay.io/ns/app:1", "localhost/app", "localhost:5000/a:v1"]
_NAMES += [f"app@{DIGEST}", f"quay.io/app:1@{DIGEST}", "EXAMPLE.com/app", "host.tld:80/a/b/c:T_g.-1", "a__b/c--d.e"]
_NAMES += ["index.docker.io/busybox", "docker.io/app", "10.0.0.1:5000/x", "sha512:abc", "a.b", "f" * 64]
_NAMES += ["x/" + "n" * 235, "host.tld/" + "n" * 240, "app:" + "t" * 126, "app@sha384:" + "b" * 96]
_BITS = ["/", ":", "@", ".", "_", "-", "__", "A", "0", " ", "é", "\n", "//", "::", "@sha256:", "a" * 12, "localhost"]


def mutated_name(dice: random.Random) -> str:
    """The name of an image, changed in up to three places; many are none any more."""
    text = dice.choice(_NAMES)
    for _change in range(dice.choice([0, 1, 1, 1, 2, 3])):
        place = dice.randrange(len(text) + 1)
        kind = dice.randrange(4)
        if kind == 0:
            text = text[:place] + dice.choice(_BITS) + text[place:]
        elif kind == 1:
            text = text[:place] + text[place + 1 :]
        elif kind == 2:
            text = text[:place] + dice.choice(_BITS) + text[place + 1 :]
        else:
            text = text[:place] + text[place : place + 1].swapcase() + text[place + 1 :]
    return text


def _quoted(text: str) -> str:
    return f'"{text}"'
