"""Run all cases, print the table, and write bench/results.json. With arguments: only cases whose name holds one."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from bench.cases import cases
from bench.measure import run

RESULTS = Path(__file__).parent / "results.json"


def main(wanted: list[str]) -> None:
    """Run the benchmark."""
    outcomes = []
    print(f"{'case':<72} {'ours':>10} {'peer':>10} {'ratio':>6} {'goal':>5}")
    with tempfile.TemporaryDirectory(prefix="fmc-bench-") as scratch:
        for case in cases(Path(scratch)):
            if wanted and not any(word in case.name for word in wanted):
                continue
            outcome = run(case)
            outcomes.append(outcome)
            sign = "" if outcome.reached else "  missed"
            times = f"{outcome.ours * 1000:>7.2f} ms {outcome.peer * 1000:>7.2f} ms"
            print(f"{outcome.name:<72} {times} {outcome.ratio:>6.2f} {outcome.goal:>5.2f}{sign}", flush=True)
    RESULTS.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
