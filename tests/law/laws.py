# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every law of the house, by name. There is no list of exceptions."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from . import call_laws, form_laws, import_laws, store_path_law
from .source_tree import Breach, SourceTree

Law = Callable[[SourceTree], Iterator[Breach]]

LAWS: dict[str, Law] = {
    law.__name__: law
    for law in (
        import_laws.floors,
        import_laws.no_cycles,
        import_laws.modules_are_thin,
        import_laws.imports_exist,
        import_laws.ansible_only_in_module,
        import_laws.libraries_have_their_file,
        import_laws.zygote_socket_is_local,
        import_laws.reading_ships_no_pulling,
        import_laws.heavy_parts_load_when_needed,
        import_laws.asking_ships_no_store,
        import_laws.judging_ships_no_images,
        import_laws.verbs_import_their_transports,
        call_laws.no_files_in_pure_rooms,
        call_laws.environment_only_in_paths,
        call_laws.endings_only_in_module,
        call_laws.packages_by_name,
        store_path_law.store_paths_only_in_layout,
        form_laws.rooms_have_an_empty_init,
        form_laws.files_have_their_header,
        form_laws.annotations_are_not_evaluated,
        form_laws.files_are_short,
        form_laws.modules_are_in_their_groups,
        form_laws.no_sanity_ignores,
    )
}
