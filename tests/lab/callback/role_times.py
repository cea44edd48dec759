"""Ansible callback: writes the seconds that each role took, all tasks of it together, into a file as JSON."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: role_times
type: aggregate
short_description: seconds per role
description: Writes the seconds that each role took into the file that FMC_ROLE_TIMES names.
requirements: [enabled by callbacks_enabled]
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]  # Ansible is in another environment, and has no type here
    """Adds up what passes between the begin of a task and that of the next one."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "role_times"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Begin with no role."""
        super().__init__(*arguments, **options)
        self._seconds: dict[str, float] = {}
        self._role = ""
        self._begin = time.monotonic()

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """A task begins, so the one before has ended."""
        self._turn_to(task._role.get_name() if task._role else "")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """The playbook has ended."""
        self._turn_to("")
        Path(os.environ["FMC_ROLE_TIMES"]).write_text(json.dumps(self._seconds))

    def _turn_to(self, role: str) -> None:
        now = time.monotonic()
        self._seconds[self._role] = self._seconds.get(self._role, 0.0) + now - self._begin
        self._role, self._begin = role, now
