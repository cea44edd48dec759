# From the data of the cluster to what each machine needs to know.
locals {
  prefixes = { for key, network in var.networks : key => tonumber(split("/", network.cidr)[1]) }
  bridged  = sort([for key, network in var.networks : key if network.mode == "bridge"])
  open     = sort([for key, network in var.networks : key if network.mode == "open"])

  # Machines in the LAN know the way to the networks behind the hypervisor; all others have the hypervisor as their gateway.
  routes = [for key in local.open : { to = var.networks[key].cidr, via = var.host_address }]

  nodes = {
    for name, node in var.nodes : name => merge(node, {
      name         = name
      fqdn         = "${name}.${var.domain}"
      network_name = var.networks[node.network].name
      prefix       = local.prefixes[node.network]
      gateway      = var.networks[node.network].gateway
      routes       = contains(local.bridged, node.network) ? local.routes : []
      # The infra machines are the servers of the others; they can't ask themselves before they are set up.
      dns_servers = node.role == "infra" ? var.dns_upstream : var.dns_servers
      ntp_servers = node.role == "infra" ? [] : var.ntp_servers
      generation  = lookup(var.generations, name, 1)
    })
  }
}
