# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import traceback

from ansible_collections.strata.containers.plugins.module_utils._model.credentials import Credentials

SECRET = "hunter2"
TOKEN = "t0ken"
CREDENTIALS = Credentials("alice", SECRET, TOKEN, "/run/containers/0/auth.json")


def test_no_text_of_credentials_shows_a_secret() -> None:
    texts = [repr(CREDENTIALS), str(CREDENTIALS), f"{CREDENTIALS}", f"{CREDENTIALS!r:>80}", repr([CREDENTIALS])]
    try:
        raise ValueError(CREDENTIALS)
    except ValueError:
        texts.append(traceback.format_exc())
    assert not [text for text in texts if SECRET in text or TOKEN in text]


def test_credentials_show_whose_they_are_and_where_from() -> None:
    assert "alice" in repr(CREDENTIALS)
    assert "/run/containers/0/auth.json" in repr(CREDENTIALS)


def test_nobody_has_no_secret() -> None:
    assert Credentials() == Credentials("", "", "", "")
