"""The verbs, and the one line that says what each of them does: in the list of all, and first in its own help.

They stand apart from the verbs' modules, which are imported on use: `fmc --help` does not pay for them.
"""

from __future__ import annotations

# Verb: group in the help, and its line.
VERBS = {
    "new": ("Start", "Render, seal, check and commit the repositories of a cluster, and push them."),
    "check": ("Work", "Check answers, or the repositories of a workspace."),
    "status": ("Work", "See what is due, and whether the remotes have everything."),
    "seal": ("Work", "Make missing secrets, and bring the sealed manifests up to date."),
    "rotate": ("Work", "Replace secrets by new ones, and deliver them in one commit."),
    "renew": ("Work", "Renew certificates before they end, and deliver them."),
    "add": ("Work", "Add an app of your own to the repositories."),
    "remove": ("Work", "Take an app of your own out of the repositories."),
    "push": ("Work", "Push the repositories of a workspace, argocd last."),
    "remotes": ("Work", "Make, check or take over the repositories at the Git server."),
    "image": ("Work", "Write the image that an app runs into Git, while others write, too."),
    "promote": ("Work", "Let an environment run the image that another one runs."),
    "recover": ("Work", "Open sealed manifests with the vault's keys, and have their values again."),
    "secret": ("Work", "List the secrets of a cluster; set, show, edit, rename or adopt one, and see its versions."),
    "vault": ("Work", "See and change who opens the vault; make one of two copies."),
    "keys": ("Work", "Replace the sealing key, or print it for the cluster; make the SSH key, for the machines."),
    "backup": ("Work", "Put a whole workspace into one encrypted file."),
    "restore": ("Work", "Make the workspace of a backup again, on a machine that has nothing else."),
    "drill": ("Work", "Try whether a backup brings all secrets back, on a throw-away control plane."),
    "mirror": ("Work", "List what a cluster takes from elsewhere, to fill a mirror."),
    "explain": ("Help", "Explain the rules that findings name."),
    "doctor": ("Help", "Look at the machine: what fmc needs, and what it can use."),
}


def help_of(verb: str, more: str) -> str:
    """Return the help of a verb.

    Args:
        verb: What is typed.
        more: What follows its line: how it works, and examples.
    """
    _, line = VERBS[verb]
    return f"{line}\n\n{more.strip()}"
