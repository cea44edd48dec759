"""Our rendering alone, as `fmc new` does it. Usage: our_rendering.py ROOT DATA.json LAYOUT=FOLDER ..."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from generator.pipeline.steps.workers import Workers
from generator.template.render import render_layout, warm_up
from generator.template.source import TemplateSource

if __name__ == "__main__":
    source = TemplateSource(Path(sys.argv[1]), "", "")
    values = json.loads(Path(sys.argv[2]).read_text())
    warm_up()
    with Workers() as workers:
        parts = [part.split("=", 1) for part in sys.argv[3:]]
        for task in [workers.start(render_layout, source, values, part[0], Path(part[1])) for part in parts]:
            task.result()
