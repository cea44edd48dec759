"""The lab: the machines of examples/ha.yaml as hosts with a real systemd, for the real Ansible."""
