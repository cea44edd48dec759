# What the cluster is: terraform.tfvars.json gives these, rendered from the answers. The module topology checks networks and machines.
variable "cluster" {
  type        = string
  description = "Name of the cluster."
}

variable "domain" {
  type        = string
  description = "Domain of the cluster."
}

variable "timezone" {
  type        = string
  description = "Time zone of the machines, as in the IANA database."
}

variable "ssh_public_key" {
  type        = string
  description = "The only way into the machines."
}

variable "libvirt_uri" {
  type        = string
  description = "The hypervisor, like qemu:///system or qemu+ssh://root@kvm1/system."
}

variable "dns_servers" {
  type        = list(string)
  description = "Servers that know the cluster's names."
}

variable "dns_upstream" {
  type        = list(string)
  description = "Servers for the rest of the world."
}

variable "ntp_servers" {
  type        = list(string)
  description = "Servers of the cluster's time."
}

variable "networks" {
  type = map(object({
    name    = string
    mode    = string
    bridge  = string
    cidr    = string
    gateway = string
    dhcp    = optional(object({ start = string, end = string }))
  }))
  description = "Networks by what they are for."
}

variable "nodes" {
  type = map(object({
    role          = string
    os            = string
    network       = string
    address       = string
    mac           = string
    cpus          = number
    memory_mib    = number
    disk_gib      = number
    data_disk_gib = number
  }))
  description = "Machines by name."
}

variable "virtual_addresses" {
  type        = map(string)
  description = "Addresses that the load balancers hold, by what they are for."
}

# What belongs to your site: set it in user.auto.tfvars.
variable "generations" {
  type        = map(number)
  default     = {}
  description = "How often a machine was rebuilt; raising its number replaces it, except for its data disk."
}

variable "host_address" {
  type        = string
  default     = null
  description = "Address of the hypervisor in the LAN; needed where some machines are in the LAN and others behind the hypervisor."
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
