# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A credential helper as a real program, which podman, skopeo and our modules call alike."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

_PROGRAM = """#!/bin/sh
/usr/bin/python3 -I - "$@" 3<&0 <<'END'
import json, os, sys
kept, calls, pause = {kept!r}, {calls!r}, {pause!r}
verb = sys.argv[1]
text = os.fdopen(3).read()
with open(calls, "a") as stream:
    stream.write(" ".join(sys.argv[1:]) + "\\n")
if pause:
    import time
    time.sleep(pause)
if {complaint!r} is not None:
    print({complaint!r} + " " + text)
    sys.exit(1)
logins = json.load(open(kept)) if os.path.exists(kept) else dict()
server = json.loads(text)["ServerURL"] if verb == "store" else text.strip()
if verb == "store":
    logins[server] = json.loads(text)
elif verb == "list":
    print(json.dumps(dict((name, login["Username"]) for name, login in logins.items())))
elif server not in logins:
    print("credentials not found in native keychain")
    sys.exit(1)
elif verb == "get":
    print(json.dumps(logins[server]))
elif verb == "erase":
    del logins[server]
with open(kept, "w") as stream:
    json.dump(logins, stream)
END
"""


@dataclass(frozen=True)
class InstalledHelper:
    """``docker-credential-NAME`` in a directory of its own."""

    name: str
    directory: Path

    @property
    def program(self) -> str:
        return f"docker-credential-{self.name}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which the helper is found."""
        return {"PATH": os.pathsep.join([str(self.directory), os.environ["PATH"]])}

    def logins(self) -> dict[str, tuple[str, str]]:
        """What it keeps: user and secret by server."""
        kept = self.directory / "kept.json"
        values = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
        return {server: (login["Username"], login["Secret"]) for server, login in values.items()}

    def calls(self) -> list[str]:
        """The arguments of each call so far."""
        calls = self.directory / "calls"
        return calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []


def install_helper(directory: Path, name: str, *, complaint: str | None = None, pause: float = 0) -> InstalledHelper:
    """Installs a helper that keeps its logins in a file, or fails at every call with ``complaint`` and its input."""
    directory.mkdir(parents=True, exist_ok=True)
    helper = InstalledHelper(name, directory)
    text = _PROGRAM.format(
        kept=str(directory / "kept.json"), calls=str(directory / "calls"), complaint=complaint, pause=pause
    )
    path = directory / helper.program
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return helper
