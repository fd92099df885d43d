# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Interop tests use the real tools of the distribution as judges."""

from __future__ import annotations

from lab.fault_bench import bench
from lab.fixtures import judges, make_store, policy_file, pull_options, registry

__all__ = ["bench", "judges", "make_store", "policy_file", "pull_options", "registry"]
