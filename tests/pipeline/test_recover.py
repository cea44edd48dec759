"""`fmc recover`, `fmc secret import` and `fmc keys import`, as they are typed and piped."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from generator.secrets.vault.file import open_vault
from generator.secrets.vault.keys import generate_sealing_key
from tests.pipeline.world import FMC
from tests.secrets.test_adopt import PASSWORD, sealed, secret, text
from tests.secrets.test_import_keys import secret as key_secret

if TYPE_CHECKING:
    from tests.pipeline.world import World

ON_A_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
USERS = "traefik/traefik-dashboard-auth"


def test_values_are_shown_on_a_terminal_alone(pushed: World) -> None:
    file = pushed.workspace / "argocd" / "secrets" / f"{USERS}.sealed.yaml"
    refused = pushed.fmc("recover", "--reveal", str(file), cwd=pushed.workspace)
    assert (refused.code, "and this is none" in refused.err) == (2, True)
    done = pushed.fmc("recover", str(file), cwd=pushed.workspace)
    assert (done.code, done.out) == (0, "The vault is as it was.\n")
    typed = (str(FMC), "recover", "--reveal", str(file))
    shown = pushed.run(sys.executable, "-c", ON_A_TERMINAL, *typed, cwd=pushed.workspace)
    assert (shown.code, f"{USERS}:" in shown.out, 'users: "admin:$2y$' in shown.out) == (0, True, True), shown.all


def test_a_cluster_of_before_is_taken_over_by_pipes(pushed: World) -> None:
    key = generate_sealing_key(2048)
    taken = pushed.fmc("keys", "import", "/dev/stdin", cwd=pushed.workspace, stdin=json.dumps(key_secret(key)))
    assert (taken.code, taken.out) == (0, "taken: sealed-secrets-keyx7k2p\n"), taken.err
    file = pushed.workspace / "argocd" / "legacy.yaml"
    file.write_bytes(text(sealed(key)))
    adopted = pushed.fmc("secret", "import", str(file), cwd=pushed.workspace)
    assert (adopted.code, "taken: shop/database" in adopted.out) == (0, True), adopted.err
    piped = pushed.fmc("secret", "import", "-", cwd=pushed.workspace, stdin=text(secret("second")).decode())
    assert (piped.code, "taken: shop/second" in piped.out) == (0, True), piped.err
    file.unlink()
    assert pushed.fmc("seal", cwd=pushed.workspace).code == 0
    vault = open_vault(pushed.vault, pushed.identity, cluster=pushed.cluster)
    for name in ("database", "second"):
        assert vault.values[f"shop/{name}"]["password"].secret.reveal() == PASSWORD
        assert (pushed.workspace / "argocd" / "secrets" / "shop" / f"{name}.sealed.yaml").is_file()
    assert not any(PASSWORD in found.read_bytes() for found in pushed.workspace.rglob("*") if found.is_file())
