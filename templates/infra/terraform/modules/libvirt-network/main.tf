# Nothing of a single machine is written into a network: libvirt can't add a reservation to a network that exists. The machines have their addresses
# in their own network files; the dhcp range serves their first minutes, before those files apply.
locals {
  bridged = var.network.mode == "bridge"
}

resource "libvirt_network" "this" {
  name      = var.network.libvirt_name
  autostart = true
  forward   = { mode = var.network.mode }
  bridge = {
    name  = var.network.bridge
    stp   = local.bridged ? null : "on"
    delay = local.bridged ? null : "0"
  }
  ips = local.bridged ? null : [{
    address = var.network.gateway
    prefix  = var.network.prefix
    dhcp    = { ranges = [{ start = var.network.dhcp_start, end = var.network.dhcp_end }] }
  }]
}
