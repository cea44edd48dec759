variable "domain" {
  type        = string
  description = "Domain of the cluster; a machine's full name is its name below it."
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
  description = <<-EOT
    Networks by what they are for. mode is nat (libvirt masquerades), open (routed; the host's own rules decide) or bridge (a bridge of the host
    that is there already, whose DHCP server is somebody else's).
  EOT

  validation {
    condition     = alltrue([for network in var.networks : contains(["nat", "open", "bridge"], network.mode)])
    error_message = "The mode of a network is nat, open or bridge."
  }
  validation {
    condition     = alltrue([for network in var.networks : try(cidrsubnet(network.cidr, 0, 0) == network.cidr, false)])
    error_message = "A network's cidr is its first address and the length of its prefix, like 10.17.4.0/24."
  }
  validation {
    condition     = alltrue([for network in var.networks : can(regex("^[a-z][a-z0-9._-]{0,14}$", network.bridge))])
    error_message = "A bridge's name has at most 15 characters, which is all that Linux takes."
  }
  validation {
    condition = alltrue([
      for attribute in ["name", "bridge", "cidr"] :
      length(distinct([for network in var.networks : network[attribute]])) == length(var.networks)
    ])
    error_message = "Two networks share a name, a bridge or a cidr."
  }
  validation {
    condition     = length([for network in var.networks : network if network.mode == "nat"]) == 0 || length(var.networks) == 1
    error_message = "libvirt rejects what comes from outside into a nat network: several networks reach each other only if all are open or bridge."
  }
  validation {
    condition     = alltrue([for network in var.networks : network.mode == "bridge" || network.dhcp != null])
    error_message = "A nat or open network has a dhcp range: new machines need an address before their own network files apply."
  }
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
  description = "Machines by name. os is flatcar (Kubernetes) or linux (what stands around it); a data disk of 0 GiB is none."

  validation {
    condition = alltrue([
      for node in var.nodes :
      contains(["master", "worker"], node.role) ? node.os == "flatcar" :
      contains(["loadbalancer", "infra", "storage"], node.role) ? node.os == "linux" : false
    ])
    error_message = "Masters and workers are flatcar machines; loadbalancer, infra and storage are linux machines; there are no other roles."
  }
  validation {
    condition     = length([for node in var.nodes : node if node.role == "master"]) % 2 == 1
    error_message = "etcd wants an odd number of masters: an even one survives no more failures than one less."
  }
  validation {
    condition     = alltrue([for node in var.nodes : contains(keys(var.networks), node.network)])
    error_message = "A machine is in a network that is not in networks."
  }
  validation {
    condition     = length(distinct([for node in var.nodes : node.address])) == length(var.nodes)
    error_message = "Two machines share an address."
  }
  validation {
    condition     = length(distinct([for node in var.nodes : lower(node.mac)])) == length(var.nodes)
    error_message = "Two machines share a MAC address."
  }
  validation {
    # The second digit says: unicast, administered locally.
    condition     = alltrue([for node in var.nodes : can(regex("^[0-9a-f][26ae](:[0-9a-f]{2}){5}$", node.mac))])
    error_message = "A MAC address is written in lower case, is unicast and locally administered, like 52:54:00:11:04:15."
  }
  validation {
    condition     = alltrue([for node in var.nodes : node.cpus >= 1 && node.memory_mib >= 512 && node.disk_gib >= 8 && node.data_disk_gib >= 0])
    error_message = "A machine has at least 1 CPU, 512 MiB of memory and 8 GiB of disk."
  }
}

variable "virtual_addresses" {
  type        = map(string)
  description = "Addresses that the load balancers hold, by what they are for; none without load balancers."

  validation {
    condition     = length(setintersection(values(var.virtual_addresses), [for node in var.nodes : node.address])) == 0
    error_message = "A virtual address belongs to a machine."
  }
}

variable "dns_servers" {
  type        = list(string)
  description = "Servers that know the cluster's names: the infra machines."
}

variable "dns_upstream" {
  type        = list(string)
  description = "Servers for the rest of the world; the infra machines themselves ask them."
}

variable "ntp_servers" {
  type        = list(string)
  description = "Servers that the machines take the time from: the infra machines, which take it from their distribution's servers."
}

variable "host_address" {
  type        = string
  default     = null
  description = "Address of the hypervisor in the bridged network; machines there reach the open networks through it."
}

variable "generations" {
  type        = map(number)
  default     = {}
  description = "How often a machine was rebuilt: raising its number replaces it, except for its data disk. 1 for those that are not named."

  validation {
    condition     = length(setsubtract(keys(var.generations), keys(var.nodes))) == 0
    error_message = "generations names a machine that is not in nodes."
  }
  validation {
    condition     = alltrue([for generation in var.generations : generation >= 1 && floor(generation) == generation])
    error_message = "A generation is a whole number from 1 on."
  }
}
