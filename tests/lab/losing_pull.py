# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One process that pulls an image, and loses it once, as soon as it is stored, to a command of another tool.

Reads JSON from standard input: the options of image_pull, and the command. Prints what company_worker prints of a task, and how
often the image was ``stored``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from ansible_collections.strata.containers.plugins.module_utils._storage import commit

from .company_worker import done


def main() -> None:
    options, command = json.load(sys.stdin)
    commit_image = commit.commit_image
    stored = 0

    def commit_and_lose(*arguments: Any) -> Any:
        nonlocal stored
        record = commit_image(*arguments)
        stored += 1
        if stored == 1:
            subprocess.run(command, check=True, capture_output=True)
        return record

    # pull.py imports it when it has something to store.
    commit.commit_image = commit_and_lose
    print(json.dumps({**done("image_pull", options), "stored": stored}))


if __name__ == "__main__":
    main()
