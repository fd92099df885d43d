# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the benchmarks of pulls can be told on their command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from images import IMAGES


def parser_of(description: str | None, images: Sequence[str]) -> argparse.ArgumentParser:
    """A parser for the options that they share; ``images`` are pulled where none is named."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--cache", default=".build/cache", help="where the images are kept between runs")
    parser.add_argument("--directory", default="/var/tmp", help="where the stores are made; a short path, for podman")
    parser.add_argument("--output", default=".build/bench", help="where the report goes")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", nargs="+", default=list(images), choices=list(IMAGES), metavar="IMAGE")
    return parser
