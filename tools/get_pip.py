# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands in for the pip bootstrap script that ansible-test would fetch from a host of its own.

ansible-test runs it with the interpreter of a new environment and arguments such as ``pip==24.2``; it also imports it.
"""

from __future__ import annotations

import os
import subprocess
import sys

if __name__ == "__main__":
    environment = {name: value for name, value in os.environ.items() if name != "GET_PIP"}
    packages = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    subprocess.check_call([sys.executable, "-m", "ensurepip"], env=environment)
    subprocess.check_call([sys.executable, "-m", "pip", "install", *packages], env=environment)
