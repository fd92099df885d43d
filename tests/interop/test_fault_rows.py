# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every row of the table of faults has a test, or a reason why nothing of it can be met yet."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROWS = range(1, 46)

NOT_YET = {
    41: "archives (docker-archive, oci-archive) are no source of a pull yet",
    42: "OCI layouts are no source of a pull yet",
}


def test_each_row_of_the_table_of_faults_has_a_test() -> None:
    files = sorted(map(str, Path(__file__).parent.glob("test_faults_*.py")))
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:xdist", *files]
    listing = subprocess.run(command, capture_output=True, text=True, check=False)
    assert listing.returncode == 0, listing.stdout + listing.stderr
    tested = {int(number) for number in re.findall(r"row_(\d\d)_", listing.stdout)}
    assert tested == set(ROWS) - set(NOT_YET)
