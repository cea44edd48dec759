variable "cluster" {
  type        = string
  description = "Name of the cluster, which its pool has too."
}

variable "host" {
  type        = object({ name = string, bridge = string })
  description = "The hypervisor, as the plan has it."
}

variable "networks" {
  type = map(object({
    libvirt_name = string
    mode         = string
    bridge       = string
    prefix       = number
    gateway      = string
    dhcp_start   = string
    dhcp_end     = string
  }))
  description = "The networks of the cluster by what they are for."
}

variable "nodes" {
  type = map(object({
    name          = string
    libvirt_name  = string
    os            = string
    network       = string
    made_in       = string
    mac           = string
    cpus          = number
    memory_mib    = number
    disk_gib      = number
    data_disk_gib = number
    generation    = number
    image         = object({ sha512 = string, path = string })
    ignition      = string
    cloud_init    = object({ user_data = string, meta_data = string, network_config = string })
  }))
  description = "The machines that are on this hypervisor, each with its image and what it reads at its first boot."
}

variable "pool_path" {
  type        = string
  description = "Folder of the hypervisor for the disks, or null."
}

variable "domain_type" {
  type        = string
  description = "kvm or qemu."
}
