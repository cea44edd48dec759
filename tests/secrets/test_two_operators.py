"""Faults E1: two operators, copies of one vault that grow apart, old copies brought back, and one Git between them.

Whatever they do in whatever order, no value that was delivered is ever taken back, no manifest of a secret that the
catalogue asks for vanishes, and each state ends in agreement or in a question whose answer works.
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import bcrypt
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from generator.errors import DisputeError
from generator.findings import Severity
from generator.secrets.catalogue.model import CATALOGUE
from generator.secrets.seal import GitState, seal_repository
from generator.secrets.sealing.committed import Opener, read_committed
from generator.secrets.sealing.disputes import NO_PREFERENCE, Preference, Reason
from generator.secrets.sealing.files import sealed_snapshot
from generator.secrets.set_value import set_value
from generator.secrets.store import Store
from generator.secrets.vault.file import open_vault
from generator.secrets.vault.identities import Identities
from generator.secrets.vault.keys import generate_sealing_key
from generator.secrets.verify import verify_secrets
from tests.secrets.conftest import NOW

if TYPE_CHECKING:
    from datetime import datetime

    from generator.findings import Finding
    from generator.secrets.seal import SealReport

CATALOGUES = [
    f"""\
version: 1
cluster: home
sealing_key: {{namespace: kube-system, name: key-1}}
secrets:
  - namespace: app
    name: token
    values: {{token: {{generator: {token}}}}}
    data: {{token: {{from: token}}, kind: {{text: opaque}}}}
  - namespace: app
    name: admin
    values: {{admin: {{generator: password}}}}
    data:
      hash: {{from: admin, as: bcrypt, cost: 4}}
      since: {{from: admin, as: mtime}}
  - namespace: app
    name: pair
    values: {{left: {{generator: {pair}}}, right: {{generator: external}}}}
    data: {{left: {{from: left}}, right: {{from: right}}}}
"""
    for token, pair in (("external", "password"), ("password", "external"), ("external", "external"))
]
VALUES = [("app/token", "token"), ("app/admin", "admin"), ("app/pair", "left"), ("app/pair", "right")]
KEYS = {"app/token": ["token"], "app/admin": ["hash"], "app/pair": ["left", "right"]}
KEY = generate_sealing_key(2048)
OPERATORS = st.sampled_from([0, 1])


class Operator:
    """A clone, and a copy of the vault."""

    def __init__(self, folder: Path, identities: Identities) -> None:
        self.root = folder / "argocd"
        self.vault = folder / "vault.age"
        self.identities = identities
        self.base: dict[str, bytes] = {}
        self.has_to_seal = False

    @property
    def store(self) -> Store:
        return Store(self.root, self.vault, self.identities)

    def write(self, files: dict[str, bytes]) -> None:
        shutil.rmtree(self.root / "secrets", ignore_errors=True)
        for name, content in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_bytes(content)

    def files(self) -> dict[str, bytes]:
        kept = {CATALOGUE: (self.root / CATALOGUE).read_bytes(), **sealed_snapshot(self.root)}
        certificate = self.root / "secrets/sealing-cert.pem"
        return kept | ({"secrets/sealing-cert.pem": certificate.read_bytes()} if certificate.exists() else {})


class TwoOperators(RuleBasedStateMachine):
    """The world: two operators, one remote, and what is known about every plaintext."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        identities = Identities(self.folder / "config" / "identity.txt")
        self.operators = [Operator(self.folder / name, identities) for name in ("one", "two")]
        self.remote: dict[str, bytes] = {}
        self.now = NOW
        self.number = 0
        self.copies: list[bytes] = []
        self.texts: set[str] = set()
        self.replaces: dict[str, set[str]] = {}
        self.delivered_once: set[str] = set()

    def teardown(self) -> None:
        self.end_in_agreement()
        shutil.rmtree(self.folder)

    @initialize()
    def begin(self) -> None:
        first, second = self.operators
        first.write({CATALOGUE: CATALOGUES[0].encode()})
        self.sealed(first)
        first.base = self.remote = first.files()
        second.write(self.remote)
        second.base = self.remote
        shutil.copy(first.vault, second.vault)

    # What people do

    @rule(who=OPERATORS, what=st.sampled_from(VALUES))
    def set_a_value(self, who: int, what: tuple[str, str]) -> None:
        operator, (secret, value) = self.operators[who], what
        self.number += 1
        text = f"value-number-{self.number:06}"
        known = self.visible(operator, secret, value) | self.in_vault(operator, secret, value)
        arguments = (secret, value, text.encode(), self.later())
        set_value(operator.store, *arguments, delivered=[operator.base])
        self.texts.add(text)
        self.replaces[text] = known

    @rule(who=OPERATORS, answer=st.sampled_from(["vault", "git"]))
    def seal(self, who: int, answer: str) -> None:
        self.sealed_with_an_answer(self.operators[who], answer)

    @rule(who=OPERATORS)
    def push(self, who: int) -> None:
        operator = self.operators[who]
        if operator.base == self.remote and not operator.has_to_seal and not errors(self.findings(operator)):
            self.deliver(operator)

    @rule(who=OPERATORS, ours=st.booleans())
    def pull(self, who: int, ours: bool) -> None:
        operator = self.operators[who]
        tree, merged = operator.files(), {}
        for name in {*tree, *self.remote}:
            mine, theirs, base = tree.get(name), self.remote.get(name), operator.base.get(name)
            chosen = theirs if mine == base else mine
            if mine != base and theirs not in (base, mine):
                operator.has_to_seal = True
                chosen = mine if ours else theirs
            if chosen is not None:
                merged[name] = chosen
        operator.write(merged)
        operator.base = dict(self.remote)

    @rule(who=OPERATORS)
    def copy_the_vault(self, who: int) -> None:
        self.copies.append(self.operators[who].vault.read_bytes())

    @rule(who=OPERATORS, which=st.integers(0, 9))
    def bring_an_old_vault_back(self, who: int, which: int) -> None:
        if self.copies:
            self.operators[who].vault.write_bytes(self.copies[which % len(self.copies)])

    @rule(who=OPERATORS, text=st.sampled_from(CATALOGUES))
    def change_a_generator(self, who: int, text: str) -> None:
        (self.operators[who].root / CATALOGUE).write_text(text)
        self.operators[who].has_to_seal = True

    @rule(who=OPERATORS, what=st.sampled_from(sorted(KEYS)))
    def lose_a_file(self, who: int, what: str) -> None:
        (self.operators[who].root / f"secrets/{what}.sealed.yaml").unlink(missing_ok=True)
        self.operators[who].has_to_seal = True

    # What must hold

    @invariant()
    def every_delivered_secret_is_there(self) -> None:
        assert {name for name in self.delivered_once if name not in self.remote} == set()

    def deliver(self, operator: Operator) -> None:
        files = operator.files()
        for secret, keys in KEYS.items():
            for key in keys:
                before, after = self.text(self.remote, secret, key), self.text(files, secret, key)
                assert before is None or after is not None, f"{secret}: {key} was taken back"
                assert before in (None, after) or before in self.all_replaced(str(after)), f"{before} by {after}"
        self.remote = files
        operator.base = dict(files)
        self.delivered_once |= set(sealed_snapshot(operator.root))

    def end_in_agreement(self) -> None:
        for operator in (*self.operators, *self.operators):
            self.pull(self.operators.index(operator), ours=False)
            self.sealed_with_an_answer(operator, "git")
            assert errors(self.findings(operator)) == []
            self.deliver(operator)
            assert self.sealed(operator).written == ()
        assert self.operators[1].files() == self.remote
        self.pull(0, ours=False)
        assert self.sealed(self.operators[0]).written == ()

    # How it is done

    def later(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def sealed(self, operator: Operator, preference: Preference = NO_PREFERENCE) -> SealReport:
        before = {secret: self.in_vault(operator, secret, value) for secret, value in VALUES}
        git = GitState(delivered=(operator.base,), preference=preference)
        report = seal_repository(operator.store, {}, self.later(), KEY, git)
        for secret, value in VALUES:
            # What fmc made by itself is a text like any other.
            for text in self.in_vault(operator, secret, value) - self.texts:
                self.texts.add(text)
                self.replaces[text] = before[secret]
        operator.has_to_seal = False
        return report

    def sealed_with_an_answer(self, operator: Operator, answer: str) -> None:
        """Seal; where that is refused, do what the message says."""
        found: tuple[Finding, ...] = ()
        try:
            self.sealed(operator)
        except DisputeError as error:
            assert error.exit_code == 3
            found = error.findings
        if not found:
            return
        assert {finding.rule for finding in found} == {Reason.BOTH_CHANGED.value}
        named = {finding.path.split(":")[0] for finding in found}
        assert all(f"--prefer-{answer} " in finding.fix for finding in found)
        for secret, value in VALUES:
            if secret in named:
                both = self.visible(operator, secret, value) | self.in_vault(operator, secret, value)
                for text in both:
                    self.replaces[text] = self.replaces[text] | both
        self.sealed(operator, Preference(**{answer: frozenset(named)}))

    def findings(self, operator: Operator) -> list[Finding]:
        vault = open_vault(operator.vault, operator.identities.path, cluster="home")
        return verify_secrets(operator.root, vault, self.now, [operator.base])

    def in_vault(self, operator: Operator, secret: str, value: str) -> set[str]:
        if not operator.vault.exists():
            return set()
        record = open_vault(operator.vault, operator.identities.path, cluster="home").values.get(secret, {}).get(value)
        return {record.secret.reveal().decode()} if record else set()

    def visible(self, operator: Operator, secret: str, value: str) -> set[str]:
        key = "hash" if value == "admin" else value
        trees = (operator.files(), operator.base)
        return {text for tree in trees if (text := self.text(tree, secret, key))}

    def text(self, files: dict[str, bytes], secret: str, key: str) -> str | None:
        """Return the plaintext that a tree delivers; of a hash the text that it was made from."""
        committed = read_committed(files.get(f"secrets/{secret}.sealed.yaml", b""), *secret.split("/"))
        if committed is None or key not in committed.ciphertexts:
            return None
        first = self.operators[0]
        opener = Opener(open_vault(first.vault, first.identities.path, cluster="home"))
        plaintext = opener.plaintext(committed, key)
        assert plaintext is not None
        if key != "hash":
            return plaintext.reveal().decode()
        return next(text for text in self.texts if bcrypt.checkpw(text.encode(), plaintext.reveal()))

    def all_replaced(self, text: str) -> set[str]:
        found: set[str] = set()
        open_texts = {text}
        while open_texts:
            found |= open_texts
            open_texts = {old for new in open_texts for old in self.replaces.get(new, set())} - found
        return found


def errors(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is Severity.ERROR]


TestTwoOperators = TwoOperators.TestCase
# Making a failing sequence smaller would take minutes: each step encrypts a vault.
TestTwoOperators.settings = settings(
    max_examples=25,
    stateful_step_count=15,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
