"""Hosts for Ansible: what they start from, the networks between them, and what can be done to one."""
