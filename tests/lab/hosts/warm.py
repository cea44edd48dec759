"""Hosts run Ansible's modules in processes that are forked from one that has imported what they need.

Ansible sends each module with all that it imports, as source; `tests/warm_python` says what that costs. Here the same
code lies in a folder that all hosts see, and systemd starts the server when the first module asks for it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from tests import warm_python
from tests.lab.hosts import forked
from tests.lab.hosts.steps import write
from tests.toolchain.build import tools_folder

INTERPRETER = "/srv/lab/warm/python3"
"""What Ansible is told to use."""
_FOLDER = Path(INTERPRETER).parent
_SOCKET = "/run/warm-python"
_SYSTEM = Path("etc/systemd/system")
_UNITS = {
    "warm-python.socket": f"[Socket]\nListenStream={_SOCKET}\nSocketMode=0666\n",
    "warm-python.service": (
        f"[Service]\nEnvironment=PYTHONPATH={_FOLDER}\n"
        f"ExecStart=/usr/bin/python3 {_FOLDER}/server.py - {' '.join((*warm_python.ANSIBLE_IMPORTS, 'forked'))}\n"
        # What a module starts outlives the module, and the server.
        "KillMode=process\n"
    ),
}


def offer(shared: Path) -> None:
    """Write what hosts need into the folder that they see as /srv/lab.

    Args:
        shared: The folder.
    """
    folder = shared / _FOLDER.name
    interpreter = Path((tools_folder() / "ansible-playbook").read_text().partition("\n")[0].removeprefix("#!"))
    (ansible,) = interpreter.parents[1].glob("lib/python3*/site-packages/ansible")
    shutil.copytree(ansible, folder / "ansible")
    for file in (warm_python.SERVER, Path(forked.__file__)):
        shutil.copy(file, folder)
    warm_python.write_script(folder / "python3", f'exec /usr/bin/python3 -I -S {_FOLDER}/server.py @{_SOCKET} "$@"')


def install(root: Path) -> None:
    """Have a host start the server when it is asked for.

    Args:
        root: Its file system.
    """
    for name, text in _UNITS.items():
        write(root / _SYSTEM / name, text)
    wants = root / _SYSTEM / "sockets.target.wants"
    wants.mkdir(exist_ok=True)
    (wants / "warm-python.socket").symlink_to("../warm-python.socket")
