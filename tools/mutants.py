# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says whether the unit tests of ``_trust`` run every line and branch of it, and notice every small change to it.

    tools/mutants.py --coverage-only
    tools/mutants.py [--jobs 2] [--only FILE.py] [--list]

The status is 1 when a line or branch is not run, when a mutant survives that ``mutants_accepted.txt`` does not explain, and
when one that it explains does not survive. Of a library for this (mutmut, cosmic-ray) nothing is used: the one leaves decorated
functions alone, which here are all parsers, the other needs a new process for each of some thousand mutants; and neither takes
a check or a raise away, which is the change that matters most where a wrong yes is the worst fault.

The tests that run a line are known from the coverage, so a mutant meets these alone, in a child of a process that has loaded
pytest already.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mutations import Mutant, mutants

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".build" / "mutants"
ACCEPTED = ROOT / "tools" / "mutants_accepted.txt"
COLLECTION = "ansible_collections/strata/containers"
ROOM = "plugins/module_utils/_trust"
# The second need openssl beside the room itself.
UNIT = "tests/unit/"
TESTS = (f"{UNIT}plugins/module_utils/_trust/test_*.py", "tests/interop/test_sigstore_*.py")
# Seconds for the tests of one mutant, which take a few at most; one that hangs is noticed, too.
PATIENCE = 120
# pytest's statuses: some failed, the run was broken off, the tests asked for are not there any more.
NOTICED = {1, 2, 3, 4}
# The status of a worker whose changes nobody sees.
BLIND = 71


@dataclass(frozen=True)
class Baseline:
    """What the tests do with the unchanged room: which of them run a line of a file, and how long each takes."""

    tests_of_line: dict[str, dict[int, list[str]]]
    seconds: dict[str, float]

    def rounds_for(self, file: str, mutant: Mutant) -> list[list[str]]:
        """The tests that may notice ``mutant``, the likely and quick ones first.

        Those that run what was changed; of what runs at import, all that run the file. Of these the unit tests come first, for most
        mutants are noticed before openssl has to make the keys for the others. What a file makes at import may be used without
        any line of it being run: the other unit tests come last.
        """
        lines = self.tests_of_line.get(file, {})
        wanted = mutant.lines if mutant.inside else lines
        found = {test for line in wanted for test in lines.get(line, [])}
        if not found:
            found = {test for tests in lines.values() for test in tests}
        unit = {test for test in self.seconds if test.startswith(UNIT)}
        rounds = [found & unit, found - unit, set() if mutant.inside else unit - found]
        return [sorted(some, key=lambda test: (self.seconds.get(test, 0), test)) for some in rounds if some]


@dataclass(frozen=True)
class Result:
    """What became of a mutant."""

    file: str
    name: str
    survived: bool

    @property
    def line(self) -> str:
        """As it stands in the list of those that are accepted."""
        return f"{self.file}: {self.name}"


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--coverage-only", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", action="append", default=[], metavar="FILE", help="a file of the room")
    parser.add_argument("--list", action="store_true", help="show the mutants and run nothing")
    options = parser.parse_args(arguments)
    files = [path.name for path in sorted((ROOT / ROOM).glob("*.py")) if path.read_text(encoding="utf-8")]
    chosen = [name for name in files if not options.only or name in options.only]
    todo = [(name, mutant) for name in chosen for mutant in mutants((ROOT / ROOM / name).read_text(encoding="utf-8"))]
    if options.list:
        print("\n".join(f"{name}:{mutant.lines.start}: {mutant.name}" for name, mutant in todo))
        return 0
    shutil.rmtree(WORK, ignore_errors=True)
    baseline, gaps = measure()
    report_gaps(gaps)
    if options.coverage_only:
        return 1 if gaps else 0
    began = time.monotonic()
    results = run_all(baseline, todo, options.jobs)
    print(f"{len(todo)} mutants in {time.monotonic() - began:.0f} s")
    return 1 if judge(results, partial=bool(options.only)) or gaps else 0


# --- The unchanged room ---


def measure() -> tuple[Baseline, list[str]]:
    """The baseline, and the lines and branches that no test runs. Exits where a test fails."""
    tree = copy_of_tree("baseline")
    record = WORK / "baseline.json"
    child = os.fork()
    if child == 0:
        _leave(lambda: _measure_here(tree, record), str(WORK / "baseline.log"))
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
        print((WORK / "baseline.log").read_text(encoding="utf-8"))
        sys.exit("the tests fail without any change")
    found = json.loads(record.read_text(encoding="utf-8"))
    lines = {file: {int(line): tests for line, tests in numbered.items()} for file, numbered in found["lines"].items()}
    return Baseline(lines, found["seconds"]), found["gaps"]


def _measure_here(tree: Path, record: Path) -> int:
    import coverage

    settle(tree)
    room = tree / COLLECTION / ROOM
    # The measure of branches needs the tracer of C, and the tracer needs the room not to be loaded yet.
    meter = coverage.Coverage(data_file=str(WORK / "coverage"), branch=True, include=[f"{room}/*"], config_file=False)
    watch = _Watch(meter)
    meter.start()
    status = run_pytest(test_files(), plugins=[watch])
    meter.stop()
    if status != 0:
        return 1
    data = meter.get_data()
    lines: dict[str, Any] = {}
    for path in data.measured_files():
        contexts = data.contexts_by_lineno(path)
        lines[Path(path).name] = {line: sorted(filter(None, tests)) for line, tests in contexts.items()}
    record.write_text(json.dumps({"lines": lines, "seconds": watch.seconds, "gaps": _gaps(meter, room)}))
    return 0


def test_files() -> list[str]:
    """The files of the tests that the room must satisfy."""
    return [str(path) for pattern in TESTS for path in sorted(ROOT.glob(pattern))]


class _Watch:
    """Tells the meter which test is run, and how long each takes."""

    def __init__(self, meter: Any) -> None:
        self._meter = meter
        self.seconds: dict[str, float] = {}

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._meter.switch_context(nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration


def _gaps(meter: Any, room: Path) -> list[str]:
    target = WORK / "coverage.json"
    meter.json_report(outfile=str(target), morfs=[str(path) for path in sorted(room.glob("*.py"))])
    gaps = []
    for path, found in sorted(json.loads(target.read_text(encoding="utf-8"))["files"].items()):
        name = Path(path).name
        gaps += [f"{name}:{line}: is never run" for line in found["missing_lines"]]
        gaps += [f"{name}:{start}: never goes on to line {end}" for start, end in found["missing_branches"]]
    return gaps


def report_gaps(gaps: Sequence[str]) -> None:
    """Prints what is not run."""
    if gaps:
        print("Not run by the unit tests:", *gaps, sep="\n  ")
    else:
        print(f"every line and branch of {ROOM} is run by its unit tests")


# --- The mutants ---


def run_all(baseline: Baseline, todo: Sequence[tuple[str, Mutant]], jobs: int) -> list[Result]:
    """What became of each. Exits where a change is not seen at all, which would make every mutant a survivor."""
    children = {}
    for job in range(jobs):
        child = os.fork()
        if child == 0:
            _leave(lambda number=job: _work(baseline, todo[number::jobs], number))
        children[child] = job
    for child, job in children.items():
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status == BLIND:
            sys.exit("a file that raises an error goes unnoticed: the tests do not use the copy that is changed")
        if status != 0:
            sys.exit(f"worker {job} ended with the status {status}")
    return [result for job in range(jobs) for result in _results(job)]


def _results(job: int) -> Iterator[Result]:
    for line in (WORK / f"results-{job}.jsonl").read_text(encoding="utf-8").splitlines():
        yield Result(**json.loads(line))


def _work(baseline: Baseline, todo: Sequence[tuple[str, Mutant]], job: int) -> int:
    tree = copy_of_tree(f"worker-{job}")
    settle(tree)
    room = tree / COLLECTION / ROOM
    with open(WORK / f"results-{job}.jsonl", "w", encoding="utf-8") as record:
        if todo and survives(baseline, room, todo[0][0], Mutant("probe", range(0), False, "raise RuntimeError\n")):
            return BLIND
        for name, mutant in todo:
            survived = survives(baseline, room, name, mutant)
            result = Result(name, mutant.name, survived)
            record.write(json.dumps(result.__dict__) + "\n")
            record.flush()
    return 0


def survives(baseline: Baseline, room: Path, name: str, mutant: Mutant) -> bool:
    """Whether no test notices ``mutant`` in the place of the file ``name``."""
    rounds = baseline.rounds_for(name, mutant)
    original = (room / name).read_text(encoding="utf-8")
    put(room / name, mutant.source)
    try:
        return not any(_noticed_by(some) for some in rounds)
    finally:
        put(room / name, original)


def _noticed_by(tests: Sequence[str]) -> bool:
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(PATIENCE)
        _leave(lambda: run_pytest(["-x", *tests]))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status in NOTICED or status == -signal.SIGALRM


_times = itertools.count(1_000_000_000)


def put(path: Path, source: str) -> None:
    """Writes a file so that compiled code of an earlier one, which may be just as long, is not taken for its own."""
    path.write_text(source, encoding="utf-8")
    now = next(_times)
    os.utime(path, (now, now))


def judge(results: Sequence[Result], *, partial: bool) -> bool:
    """Prints what is wrong with the ``results``, and says whether anything is."""
    accepted = accepted_survivors()
    survivors = {result.line for result in results if result.survived}
    known = {result.line for result in results}
    wrong = sorted(survivors - accepted.keys())
    stale = sorted(line for line in accepted if line not in survivors and (line in known or not partial))
    print(
        f"{len(results) - len(survivors)} noticed, {len(survivors)} not, {len(survivors) - len(wrong)} of these explained"
    )
    if wrong:
        print("Survivors without an explanation:", *wrong, sep="\n  ")
    if stale:
        print("Explained, and no survivor:", *stale, sep="\n  ")
    return bool(wrong or stale)


def accepted_survivors() -> dict[str, str]:
    """The mutants that may survive, each with the reason why it turns no no into a yes."""
    accepted = {}
    line = ""
    for text in ACCEPTED.read_text(encoding="utf-8").splitlines() if ACCEPTED.exists() else []:
        if text.startswith("    ") and line:
            accepted[line] = text.strip()
        elif text and not text.startswith("#"):
            line = text
    return accepted


# --- Running pytest ---


def copy_of_tree(name: str) -> Path:
    """A copy of the collection of its own, as Ansible's tools want it."""
    target = WORK / name
    shutil.copytree(ROOT / ".build" / COLLECTION, target / COLLECTION, ignore=shutil.ignore_patterns(".git"))
    return target


def settle(tree: Path) -> None:
    """Makes this process load the collection from ``tree``, and everything else now."""
    os.environ["ANSIBLE_COLLECTIONS_PATH"] = os.environ["PYTHONPATH"] = str(tree)
    sys.path[:] = [str(tree), *(path for path in sys.path if path != str(ROOT / ".build"))]
    # Compiled once for all children, out of everybody's way.
    sys.dont_write_bytecode = False
    sys.pycache_prefix = str(WORK / "bytecode")
    os.chdir(ROOT)
    for name in ("ansible", "hypothesis", "pytest", "pytest_ansible", "yaml", "cryptography.x509", "nacl.secret"):
        importlib.import_module(name)


def run_pytest(arguments: Sequence[str], plugins: Sequence[Any] = ()) -> int:
    """The status of pytest, whose output nobody sees unless it fails without a change."""
    import pytest

    return int(pytest.main(["-q", "--no-header", "--tb=line", "-p", "no:xdist", *arguments], plugins=list(plugins)))


def _leave(work: Any, log: str = os.devnull) -> None:
    """Ends this child with the status that ``work`` gives; what it says goes to the file ``log``."""
    status = 70
    try:
        with open(log, "w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        status = work()
    finally:
        os._exit(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
