"""Ansible callback: loads plugins before the first task, so that the process of each task does not have to."""

from __future__ import annotations

import gc
from typing import Any

from ansible.plugins import loader
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: loaded_ahead
type: aggregate
short_description: plugins that are loaded once
description: Ansible forks a process for each task on each machine. What is loaded there is loaded for one task.
requirements: [enabled by callbacks_enabled]
"""
_ACTIONS = ("assert", "command", "copy", "fail", "include_vars", "normal", "package", "set_fact", "shell", "template")


class CallbackModule(CallbackBase):  # type: ignore[misc]  # Ansible is in another environment, and has no type here
    """Loads what most tasks use."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "loaded_ahead"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """The playbook begins."""
        # To find one filter or test, all of them are loaded.
        loader.filter_loader.get("default")
        loader.test_loader.get("defined")
        for plugins, names in (
            (loader.action_loader, _ACTIONS),
            (loader.connection_loader, ("local", "ssh")),
            (loader.become_loader, ("sudo",)),
            (loader.shell_loader, ("sh",)),
        ):
            for name in names:
                plugins.get(name, class_only=True)
        # A collection would touch, and thereby copy, all that a process has in common with this one.
        gc.freeze()
