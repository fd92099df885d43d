# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A warm Python that is to run ansible-playbook imports this: a directory for payloads that all plays share.

A module's payload is the same in each play, and takes longer to build than to run.
"""

from __future__ import annotations

import atexit
import os

from ansible import constants
from ansible.utils.path import cleanup_tmp_file

_SERVER = os.getpid()


def _clean_up() -> None:
    if os.getpid() == _SERVER:
        cleanup_tmp_file(constants.DEFAULT_LOCAL_TMP)


# The first play to end would take the payloads away.
atexit.unregister(cleanup_tmp_file)
atexit.register(_clean_up)
