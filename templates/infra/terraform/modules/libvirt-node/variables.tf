variable "node" {
  type = object({
    name         = string
    libvirt_name = string
    os           = string
    mac          = string
    cpus         = number
    memory_mib   = number
    disk_gib     = number
    generation   = number
    image        = object({ sha512 = string, path = string })
    ignition     = string
    cloud_init   = object({ user_data = string, meta_data = string, network_config = string })
  })
  description = "The machine. image is the file (qcow2) on this computer that it starts from; ignition and cloud_init are what it reads at its first boot."

  validation {
    condition     = (var.node.os == "flatcar") == (var.node.ignition != null) && (var.node.os == "linux") == (var.node.cloud_init != null)
    error_message = "A Flatcar machine is set up by Ignition, a Linux machine by cloud-init."
  }
}

variable "network" {
  type        = string
  description = "Name of the libvirt network that the machine is in."
}

variable "pool" {
  type        = string
  description = "Name of the storage pool for its disks."
}

variable "data_disk" {
  type        = string
  default     = null
  description = "File of its data disk on the hypervisor, which module libvirt-data-disk makes; null for a machine without one."
}

variable "domain_type" {
  type        = string
  description = "kvm, or qemu to emulate the processor where there is no KVM (very slow)."

  validation {
    condition     = contains(["kvm", "qemu"], var.domain_type)
    error_message = "domain_type is kvm or qemu."
  }
}
