"""Abuse of the program, by the thousand: ``python benchmarks/campaigns NAME [--seconds S] [--cases N] [--seed S]``.

Without a name all of them, one after the other. The first case of each kind that fails is printed at once, with the
command that repeats it. The exit status is 1 if any did. At the end stands a row for each, as in docs/reliability.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[1]
sys.path[:1] = [str(BENCHMARKS), str(BENCHMARKS.parent / "tests" / "support")]
os.environ.setdefault("OMP_NUM_THREADS", "1")

from campaigns.campaign import Failure, Report, run  # noqa: E402
from campaigns.every import CAMPAIGNS  # noqa: E402


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="campaigns", description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", choices=sorted(CAMPAIGNS), help="which; all where nothing is said")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop each after so long")
    parser.add_argument("--cases", type=int, help="how many cases of each; as many as the goal is by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="begin with this case, to go on with a long campaign")
    parser.add_argument("--case", type=int, help="do this one case only, to see its failure again")
    asked = parser.parse_args()
    first, cases = (asked.first, asked.cases) if asked.case is None else (asked.case, 1)
    reports = []
    for name in [asked.name] if asked.name else CAMPAIGNS:
        with tempfile.TemporaryDirectory() as folder:
            campaign = CAMPAIGNS[name]()
            print(f"{name}, seed {asked.seed}: {campaign.must_hold}", flush=True)
            report = run(
                campaign, Path(folder), seed=asked.seed, cases=cases, seconds=asked.seconds, first=first,
                on_failure=partial(_tell, traces=asked.case is not None),
            )  # fmt: skip
        reports.append(report)
        for failure in report.failures.values():
            print(f"  FAILED {failure.count} ×: {failure.text}")
    print("\n| campaign | done | seed | time | came out as | failed |\n|---|---|---|---|---|---|")
    for report in reports:
        print(report.line())
    return 1 if any(report.failures for report in reports) else 0


def _tell(report: Report, failure: Failure, traces: bool) -> None:
    again = f"python benchmarks/campaigns {report.campaign.name} --seed {report.seed} --case {failure.first}"
    print(f"  case {failure.first}: {failure.text}\n    again: {again}", flush=True)
    if traces:
        print(failure.trace, flush=True)


if __name__ == "__main__":
    sys.stdout.flush()
    status = main()
    sys.stdout.flush()
    os._exit(status)  # neither Qt nor OpenGL is taken down in an order that suits both
