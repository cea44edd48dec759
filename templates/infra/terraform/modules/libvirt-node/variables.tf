variable "node" {
  type = object({
    name         = string
    libvirt_name = string
    mac          = string
    cpus         = number
    memory_mib   = number
    disk_gib     = number
    generation   = number
  })
  description = "The machine, as the module topology gives it."
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

variable "image" {
  type = object({
    version = string
    url     = string
    sha512  = string
  })
  description = "The disk image (qcow2) that it starts from. file:// names an image of your own."

  validation {
    condition     = can(regex("^(https|file)://", var.image.url))
    error_message = "An image comes over https, or from a file of this machine."
  }
  validation {
    condition     = can(regex("^[0-9a-f]{128}$", var.image.sha512))
    error_message = "An image is pinned by its SHA-512, 128 hexadecimal digits."
  }
}

variable "image_folder" {
  type        = string
  description = "Folder of the machine that runs Terraform where downloaded images are kept."
}

variable "ignition" {
  type        = string
  default     = null
  description = "Ignition of a Flatcar machine."
}

variable "cloud_init" {
  type        = object({ user_data = string, meta_data = string, network_config = string })
  default     = null
  description = "cloud-init of a Linux machine."

  validation {
    condition     = (var.cloud_init == null) != (var.ignition == null)
    error_message = "A machine is set up either by Ignition or by cloud-init."
  }
}

variable "domain_type" {
  type        = string
  description = "kvm, or qemu to emulate the processor where there is no KVM (very slow)."

  validation {
    condition     = contains(["kvm", "qemu"], var.domain_type)
    error_message = "domain_type is kvm or qemu."
  }
}
