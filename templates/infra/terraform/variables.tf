# What belongs to your site and not to the plan: set it in user.auto.tfvars.
variable "generations" {
  type        = map(number)
  default     = {}
  description = "How often a machine was rebuilt; raising its number replaces it, except for its data disk."
}

variable "pool_path" {
  type        = string
  default     = null
  description = "Folder of the hypervisor for the disks; /var/lib/libvirt/images/ and the name of the cluster by default."
}

variable "domain_type" {
  type        = string
  default     = "kvm"
  description = "kvm, or qemu to emulate the processor where there is no KVM (very slow)."
}
