# No provider: the data of the cluster can be checked on any machine, without a hypervisor and without a network.
terraform {
  required_version = ">= 1.9.0, < 2.0.0"
}
