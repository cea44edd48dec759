# Nothing of a single machine is written into a network: libvirt can't add a reservation to a network that exists. The machines have their addresses
# in their own network files; the dhcp range serves their first minutes, before those files apply.
locals {
  wanted = {
    libvirt_name = var.network.libvirt_name
    mode         = var.network.mode
    bridge       = var.network.bridge
    gateway      = var.network.gateway
    prefix       = var.network.prefix
    dhcp_start   = var.network.dhcp_start
    dhcp_end     = var.network.dhcp_end
  }
  made    = terraform_data.made.input
  bridged = local.made.mode == "bridge"
}

# With what the network was made. The provider can't change one in place, and made anew it would drop every machine that is in it.
resource "terraform_data" "made" {
  input = local.wanted

  lifecycle {
    ignore_changes = [input]
  }
}

resource "libvirt_network" "this" {
  name      = local.made.libvirt_name
  autostart = true
  forward   = { mode = local.made.mode }
  bridge = {
    name  = local.made.bridge
    stp   = local.bridged ? null : "on"
    delay = local.bridged ? null : "0"
  }
  ips = local.bridged ? null : [{
    address = local.made.gateway
    prefix  = local.made.prefix
    dhcp    = { ranges = [{ start = local.made.dhcp_start, end = local.made.dhcp_end }] }
  }]
}
