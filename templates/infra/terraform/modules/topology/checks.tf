# What is wrong with the addresses, as lists of what to name in a message. The outputs refuse to exist while a list is not empty: a variable's own
# validation can't look at what is computed from the variable.
locals {
  # An address as a number, to be compared.
  numbers = {
    for address in distinct(flatten([
      [for node in var.nodes : node.address],
      [for network in var.networks : [network.dhcp_start, network.dhcp_end]],
    ])) :
    address => sum([for i, octet in split(".", address) : tonumber(octet) * pow(256, 3 - i)]) if can(cidrhost("${address}/32", 0))
  }

  gateways_outside = [
    for key, network in var.networks : "${network.gateway} of ${key}"
    if try(cidrhost("${network.gateway}/${network.prefix}", 0) != cidrhost(network.cidr, 0), true)
  ]
  ranges_outside = [
    for key, network in var.networks : key if try(
      cidrhost("${network.dhcp_start}/${network.prefix}", 0) != cidrhost(network.cidr, 0) ||
      cidrhost("${network.dhcp_end}/${network.prefix}", 0) != cidrhost(network.cidr, 0) ||
      local.numbers[network.dhcp_start] > local.numbers[network.dhcp_end],
      network.dhcp_start != "" || network.dhcp_end != "",
    )
  ]
  nodes_outside = [
    for name, node in var.nodes : "${name} (${node.address})"
    if try(cidrhost("${node.address}/${var.networks[node.network].prefix}", 0) != cidrhost(var.networks[node.network].cidr, 0), true)
  ]
  nodes_reserved = [
    for name, node in var.nodes : "${name} (${node.address})" if contains([
      cidrhost(var.networks[node.network].cidr, 0), cidrhost(var.networks[node.network].cidr, -1), var.networks[node.network].gateway,
    ], node.address)
  ]
  nodes_dynamic = [
    for name, node in var.nodes : "${name} (${node.address})" if try(
      local.numbers[var.networks[node.network].dhcp_start] <= local.numbers[node.address] &&
      local.numbers[node.address] <= local.numbers[var.networks[node.network].dhcp_end],
      false,
    )
  ]
  # Machines in the LAN reach the others through the hypervisor, by its address there.
  routes_nowhere = [
    for name, node in var.nodes : name if anytrue([
      for route in node.routes :
      try(cidrhost("${route.via}/${var.networks[node.network].prefix}", 0) != cidrhost(var.networks[node.network].cidr, 0), true)
    ])
  ]
}
