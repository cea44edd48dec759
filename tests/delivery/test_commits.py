"""Committing a rendered tree."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from generator import __version__
from generator.delivery.git.command import _load
from generator.delivery.local.commits import commit_tree, require_identity
from generator.delivery.model import Author, Target
from generator.errors import BadInputError, ToolError
from tests.conftest import require_tool
from tests.delivery.workspace import RUN, git, hook, make_tree, rendered_again


def commit(target: Target, author: Author | None = None) -> str:
    return commit_tree(target, author=author, subject="feat: render", run_id=RUN).sha


def test_a_tree_becomes_a_repository_with_one_commit_and_its_remote(tree: Target) -> None:
    made = commit_tree(tree, author=None, subject="feat: render", run_id=RUN)

    assert made.changed
    assert git(tree.path, "log", "--format=%H %an <%ae> %cn <%ce>") == (
        f"{made.sha} Ada <ada@example.org> Ada <ada@example.org>"
    )
    assert git(tree.path, "log", "-1", "--format=%B").splitlines() == [
        "feat: render",
        "",
        f"Fmc-Run: {RUN}",
        f"Fmc-Version: {__version__}",
        f"Fmc-Tree: {git(tree.path, 'rev-parse', 'HEAD^{tree}')}",
    ]
    assert git(tree.path, "log", "-1", "--format=%(trailers:key=Fmc-Run,valueonly)") == RUN
    assert git(tree.path, "status", "--porcelain") == ""
    assert git(tree.path, "rev-parse", "--abbrev-ref", "HEAD") == "main"
    assert git(tree.path, "config", "remote.origin.url") == tree.url
    assert git(tree.path, "config", "branch.main.merge") == "refs/heads/main"


def test_executable_bits_are_committed(tree: Target) -> None:
    commit(tree)
    listed = git(tree.path, "ls-tree", "-r", "--format=%(path) %(objectmode)", "HEAD")
    modes = dict(line.split(" ", 1) for line in listed.splitlines())
    assert modes == {".copier-answers.yml": "100644", "README.md": "100644", "scripts/run.sh": "100755"}


def test_the_folder_can_be_renamed_after_the_commit(tree: Target, tmp_path: Path) -> None:
    sha = commit(tree)
    moved = tree.path.rename(tmp_path / "moved")
    assert git(moved, "status", "--porcelain") == ""
    again = commit_tree(Target("infra", moved, tree.url, "main"), author=None, subject="x", run_id="2")
    assert (again.sha, again.changed) == (sha, False)
    assert str(tree.path) not in (moved / ".git" / "config").read_text()


def test_the_configuration_of_a_new_repository_depends_on_the_target_alone(tree: Target, tmp_path: Path) -> None:
    other = Target("infra", make_tree(tmp_path / "elsewhere"), tree.url, "main")
    commit(tree)
    commit(other)
    assert (tree.path / ".git/config").read_bytes() == (other.path / ".git/config").read_bytes()


def test_nothing_is_committed_where_nothing_changed(tree: Target) -> None:
    sha = commit(tree)
    again = commit_tree(tree, author=None, subject="feat: again", run_id="2")
    assert (again.sha, again.changed) == (sha, False)
    assert git(tree.path, "rev-list", "--count", "HEAD") == "1"


def test_a_change_becomes_a_second_commit_with_removed_files_gone(tree: Target) -> None:
    first = commit(tree)
    (tree.path / "README.md").unlink()
    (tree.path / "new.yaml").write_text("a: 1\n")
    second = commit_tree(tree, author=None, subject="feat: again", run_id="2")
    assert second.changed
    assert git(tree.path, "rev-parse", "HEAD~1") == first
    assert git(tree.path, "ls-files").splitlines() == [".copier-answers.yml", "new.yaml", "scripts/run.sh"]


def test_line_ends_are_committed_as_rendered_whatever_autocrlf_says(tree: Target, own_git: Path) -> None:
    git(tree.path, "config", "--global", "core.autocrlf", "true")
    (tree.path / "windows.ps1").write_bytes(b"one\r\ntwo\r\n")
    commit(tree)
    shown = subprocess.run(["git", "show", "HEAD:windows.ps1"], cwd=tree.path, capture_output=True, check=True)
    assert shown.stdout == b"one\r\ntwo\r\n"


def test_every_rendered_file_is_committed_whatever_the_user_ignores(tree: Target, tmp_path: Path) -> None:
    (tmp_path / "ignored").write_text("*.pem\n")
    git(tree.path, "config", "--global", "core.excludesFile", str(tmp_path / "ignored"))
    (tree.path / "sealing-cert.pem").write_text("public\n")
    commit(tree)
    assert "sealing-cert.pem" in git(tree.path, "ls-files").splitlines()


def test_ignored_files_of_an_existing_repository_stay_out(tree: Target) -> None:
    (tree.path / ".gitignore").write_text("*.tfstate\n")
    commit(tree)
    (tree.path / "a.tfstate").write_text("{}\n")
    assert not commit_tree(tree, author=None, subject="x", run_id="2").changed


def test_the_author_of_the_options_needs_no_configuration(tree: Target, own_git: Path) -> None:
    own_git.write_text("")
    commit(tree, Author("Grace", "grace@example.org"))
    assert git(tree.path, "log", "-1", "--format=%an %ae %cn %ce") == "Grace grace@example.org Grace grace@example.org"


def test_a_half_given_author_is_completed_from_the_configuration(tree: Target) -> None:
    commit(tree, Author(email="work@example.org"))
    assert git(tree.path, "log", "-1", "--format=%an %ae") == "Ada work@example.org"


def test_an_author_with_a_line_break_is_refused(tree: Target) -> None:
    with pytest.raises(BadInputError, match="--author-name"):
        commit(tree, Author("Eve\nCommitter: x", "eve@example.org"))


@pytest.mark.parametrize("known", ["", "[user]\n\tname = Ada\n", "[user]\n\temail = ada@example.org\n"])
def test_without_an_identity_there_is_no_commit_and_none_is_invented(tree: Target, own_git: Path, known: str) -> None:
    own_git.write_text(known)
    for attempt in (lambda: require_identity(tree.path, None), lambda: commit(tree)):
        with pytest.raises(BadInputError, match="doesn't know who commits") as caught:
            attempt()
        assert caught.value.exit_code == 2
        assert caught.value.fix is not None
        assert "git config --global user.name" in caught.value.fix
        assert "git config --global user.email" in caught.value.fix
    assert git(tree.path, "rev-list", "--all") == ""


def test_an_identity_from_configuration_environment_or_options_is_enough(
    tree: Target, own_git: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_identity(tree.path, None)
    own_git.write_text("")
    require_identity(tree.path, Author("Grace", "grace@example.org"))
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Ada")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "ada@example.org")
    require_identity(tree.path, None)


def test_an_identity_that_only_a_conditional_include_can_give_is_left_to_the_commit(
    tree: Target, own_git: Path, tmp_path: Path
) -> None:
    (tmp_path / "work").write_text("[user]\n\tname = Ada\n\temail = ada@work.example\n")
    own_git.write_text(f'[includeIf "gitdir:{tree.path}/"]\n\tpath = {tmp_path}/work\n')
    require_identity(tmp_path, None)
    commit(tree)
    assert git(tree.path, "log", "-1", "--format=%ae") == "ada@work.example"


@pytest.fixture
def signing_key(tmp_path: Path, own_git: Path) -> Path:
    """Make an SSH key, and a git configuration that signs with it."""
    key = tmp_path / "key"
    subprocess.run([require_tool("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    (tmp_path / "signers").write_text(f"ada@example.org {key.with_suffix('.pub').read_text()}")
    for name, value in {
        "commit.gpgsign": "true",
        "gpg.format": "ssh",
        "user.signingkey": str(key),
        "gpg.ssh.allowedSignersFile": str(tmp_path / "signers"),
    }.items():
        git(tmp_path, "config", "--global", name, value)
    return key


@pytest.mark.tools
def test_commits_are_signed_where_the_user_wants_it(tree: Target, signing_key: Path) -> None:
    commit(tree)
    assert git(tree.path, "log", "-1", "--format=%G? %GS") == "G ada@example.org"


@pytest.mark.tools
def test_a_key_of_gpg_signs_as_well(tree: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The socket of its agent lies there, whose path has few characters to spare.
    with tempfile.TemporaryDirectory(prefix="gpg-") as home:
        monkeypatch.setenv("GNUPGHOME", home)
        gpg = str(require_tool("gpg"))
        make = ["--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "Ada <ada@example.org>", "ed25519"]
        try:
            subprocess.run([gpg, *make], check=True, capture_output=True)
            for name, value in {"commit.gpgsign": "true", "user.signingkey": "ada@example.org"}.items():
                git(tmp_path, "config", "--global", name, value)
            commit(tree)
            # Good, of a key that its maker trusts.
            assert git(tree.path, "log", "-1", "--format=%G? %GS") == "G Ada <ada@example.org>"
        finally:
            subprocess.run(["gpgconf", "--kill", "all"], check=True)


@pytest.mark.tools
def test_signed_commits_are_recognised_where_git_log_shows_signatures(
    tree: Target, signing_key: Path, tmp_path: Path
) -> None:
    git(tree.path, "config", "--global", "log.showSignature", "true")
    commit(tree)
    again = make_tree(tmp_path / "again" / "infra")
    (again / "new.yaml").write_text("a: 1\n")
    (made,) = rendered_again((tree, again))
    assert made.changed
    assert git(tree.path, "status", "--porcelain") == ""
    assert git(tree.path, "log", "-1", "--no-show-signature", "--format=%G? %GS") == "G ada@example.org"


@pytest.mark.tools
def test_a_commit_that_cannot_be_signed_is_not_made_unsigned(tree: Target, signing_key: Path) -> None:
    signing_key.unlink()
    signing_key.with_suffix(".pub").unlink()
    with pytest.raises(ToolError, match="can't be signed"):
        commit(tree)
    assert git(tree.path, "rev-list", "--all") == ""


def test_a_hook_that_refuses_is_quoted_without_control_characters(tree: Target, tmp_path: Path) -> None:
    git(tree.path, "config", "--global", "init.templateDir", str(tmp_path / "git-template"))
    hook(tmp_path / "git-template", "pre-commit", r"printf 'no \033[31mYAML\033[0m\007 today\n'; exit 1")
    with pytest.raises(ToolError) as caught:
        commit(tree)
    assert caught.value.message.endswith("said:\nno YAML today")
    assert git(tree.path, "rev-list", "--all") == ""


def test_hooks_run_and_may_change_the_message(tree: Target, tmp_path: Path) -> None:
    git(tree.path, "config", "--global", "init.templateDir", str(tmp_path / "git-template"))
    hook(tmp_path / "git-template", "commit-msg", 'echo "Ticket: 7" >> "$1"')
    commit(tree)
    assert git(tree.path, "log", "-1", "--format=%B").endswith("Ticket: 7")


def test_a_lock_that_a_killed_git_left_is_named(tree: Target) -> None:
    commit(tree)
    (tree.path / "new.yaml").write_text("a: 1\n")
    lock = tree.path / ".git" / "index.lock"
    lock.touch()
    with pytest.raises(ToolError, match="another git command") as caught:
        commit(tree)
    assert caught.value.fix is not None
    assert str(lock) in caught.value.fix


def test_the_repository_around_a_workspace_is_not_touched(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=outer")
    inner = Target("infra", make_tree(tmp_path / "workspace" / "infra"), str(tmp_path / "remote.git"), "main")
    commit(inner)
    assert git(tmp_path, "rev-list", "--all") == ""
    assert git(inner.path, "rev-parse", "--show-toplevel") == str(inner.path)


def test_fmc_started_by_a_git_hook_works_on_its_own_repository(
    tree: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "hooked.git")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "hooked.git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "hooked.git" / "index"))
    _load.cache_clear()
    sha = commit(tree)
    assert "GIT_DIR" not in os.environ
    assert git(tree.path, "rev-parse", "HEAD") == sha
    assert git(tmp_path / "hooked.git", "rev-list", "--all") == ""


def test_a_missing_git_is_said_with_the_way_to_get_it(tree: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    _load.cache_clear()
    with pytest.raises(ToolError, match="git was not found") as caught:
        commit(tree)
    assert "apt install git" in (caught.value.fix or "")


def test_a_git_that_is_too_old_is_refused(tree: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generator.delivery.git.command.MINIMUM", (99, 0))
    _load.cache_clear()
    with pytest.raises(ToolError, match="is too old"):
        commit(tree)
