variable "network" {
  type = object({
    libvirt_name = string
    mode         = string
    bridge       = string
    prefix       = number
    gateway      = string
    dhcp_start   = string
    dhcp_end     = string
  })
  description = "The network, as the module topology gives it."
}
