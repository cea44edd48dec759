# The tested versions. `terraform init` writes .terraform.lock.hcl with the providers' checksums: commit it.
terraform {
  required_version = ">= 1.9.0, < 2.0.0"
  required_providers {
    libvirt = {
      source  = "dmacvicar/libvirt"
      version = "0.9.7"
    }
    ct = {
      source  = "poseidon/ct"
      version = "0.14.0"
    }
  }
}
