"""A lab of hypervisors: the rendered Terraform, by the real one, on a real libvirt."""
