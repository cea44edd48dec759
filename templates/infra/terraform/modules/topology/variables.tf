variable "networks" {
  type = map(object({
    libvirt_name = string
    mode         = string
    bridge       = string
    cidr         = string
    prefix       = number
    gateway      = string
    dhcp_start   = string
    dhcp_end     = string
  }))
  description = <<-EOT
    Networks by what they are for. mode is nat (libvirt masquerades), open (routed; the host's own rules decide) or bridge (a bridge of the host
    that is there already, whose DHCP server is somebody else's). A dhcp range is "" where it is not known.
  EOT

  validation {
    condition     = alltrue([for network in var.networks : contains(["nat", "open", "bridge"], network.mode)])
    error_message = "The mode of a network is nat, open or bridge."
  }
  validation {
    condition     = alltrue([for network in var.networks : try(cidrsubnet(network.cidr, 0, 0) == network.cidr && endswith(network.cidr, "/${network.prefix}"), false)])
    error_message = "A network's cidr is its first address and the length of its prefix, like 10.17.4.0/24."
  }
  validation {
    condition     = alltrue([for network in var.networks : can(regex("^[a-z][a-z0-9._-]{0,14}$", network.bridge))])
    error_message = "A bridge's name has at most 15 characters, which is all that Linux takes."
  }
  validation {
    condition = alltrue([
      for attribute in ["libvirt_name", "bridge", "cidr"] :
      length(distinct([for network in var.networks : network[attribute]])) == length(var.networks)
    ])
    error_message = "Two networks share a name, a bridge or a cidr."
  }
  validation {
    condition     = length([for network in var.networks : network if network.mode == "nat"]) == 0 || length(var.networks) == 1
    error_message = "libvirt rejects what comes from outside into a nat network: several networks reach each other only if all are open or bridge."
  }
  validation {
    condition     = alltrue([for network in var.networks : network.mode == "bridge" || network.dhcp_start != "" && network.dhcp_end != ""])
    error_message = "A nat or open network has a dhcp range: new machines need an address before their own network files apply."
  }
}

variable "nodes" {
  type = map(object({
    name          = string
    libvirt_name  = string
    fqdn          = string
    role          = string
    groups        = list(string)
    os            = string
    image         = string
    host          = string
    network       = string
    address       = string
    prefix        = number
    gateway       = string
    routes        = list(object({ to = string, via = string }))
    dns_servers   = list(string)
    ntp_servers   = list(string)
    mac           = string
    cpus          = number
    memory_mib    = number
    disk_gib      = number
    data_disk_gib = number
  }))
  description = "Machines by name. os is flatcar (by Ignition) or linux (by cloud-init); a data disk of 0 GiB is none."

  validation {
    condition     = alltrue([for name, node in var.nodes : node.name == name])
    error_message = "A machine is called otherwise than its key."
  }
  validation {
    condition     = alltrue([for node in var.nodes : contains(["flatcar", "linux"], node.os)])
    error_message = "The os of a machine is flatcar or linux."
  }
  validation {
    condition     = length([for node in var.nodes : node if contains(node.groups, "k3s_servers")]) % 2 == 1
    error_message = "etcd wants an odd number of K3s servers: an even one survives no more failures than one less."
  }
  validation {
    condition     = alltrue([for node in var.nodes : contains(keys(var.hosts), node.host)])
    error_message = "A machine is on a hypervisor that is not in hosts."
  }
  validation {
    condition     = length(distinct([for node in var.nodes : node.host if try(var.networks[node.network].mode != "bridge", false)])) <= 1
    error_message = "Machines behind a hypervisor, in nat or open networks, are on several: the networks of one do not reach another. In the LAN they may be on any."
  }
  validation {
    condition     = alltrue([for node in var.nodes : contains(keys(var.images), node.image)])
    error_message = "versions.yaml has no image of ${join(", ", distinct([for node in var.nodes : node.image if !contains(keys(var.images), node.image)]))}: write it into versions.user.yaml, with version, url and sha512."
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

variable "hosts" {
  type        = map(object({ address = string }))
  description = "Hypervisors by name, each with its address in the LAN, \"\" where that is not known."
}

variable "images" {
  type        = map(object({ version = string, url = string, sha512 = string }))
  description = "The disk images (qcow2) that machines start from. file:// names an image of your own."

  validation {
    condition     = alltrue([for image in var.images : can(regex("^(https|file)://", image.url))])
    error_message = "An image comes over https, or from a file of this machine."
  }
  validation {
    condition     = alltrue([for image in var.images : can(regex("^[0-9a-f]{128}$", image.sha512))])
    error_message = "An image is pinned by its SHA-512, 128 hexadecimal digits."
  }
}

variable "vips" {
  type        = list(object({ name = string, address = string }))
  description = "Addresses that the load balancers hold; none without load balancers."

  validation {
    condition     = length(setintersection(var.vips[*].address, [for node in var.nodes : node.address])) == 0
    error_message = "A virtual address belongs to a machine."
  }
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
