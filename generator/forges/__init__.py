"""Forges: GitHub, GitLab, Gitea and Forgejo by their APIs, and folders of bare repositories on a machine with SSH."""
