# What is wrong with the addresses, as lists of what to name in a message. The outputs refuse to exist while a list is not empty: a variable's own
# validation can't look at what is computed from the variable.
locals {
  # An address as a number, to be compared.
  numbers = {
    for address in distinct(flatten([
      [for node in var.nodes : node.address],
      [for network in var.networks : network.dhcp == null ? [] : [network.dhcp.start, network.dhcp.end]],
    ])) :
    address => sum([for i, octet in split(".", address) : tonumber(octet) * pow(256, 3 - i)]) if can(cidrhost("${address}/32", 0))
  }

  gateways_outside = [
    for key, network in var.networks : "${network.gateway} of ${key}"
    if try(cidrhost("${network.gateway}/${local.prefixes[key]}", 0) != cidrhost(network.cidr, 0), true)
  ]
  ranges_outside = [
    for key, network in var.networks : key if try(
      cidrhost("${network.dhcp.start}/${local.prefixes[key]}", 0) != cidrhost(network.cidr, 0) ||
      cidrhost("${network.dhcp.end}/${local.prefixes[key]}", 0) != cidrhost(network.cidr, 0) ||
      local.numbers[network.dhcp.start] > local.numbers[network.dhcp.end],
      network.dhcp != null,
    )
  ]
  nodes_outside = [
    for name, node in var.nodes : "${name} (${node.address})"
    if try(cidrhost("${node.address}/${local.prefixes[node.network]}", 0) != cidrhost(var.networks[node.network].cidr, 0), true)
  ]
  nodes_reserved = [
    for name, node in var.nodes : "${name} (${node.address})" if contains([
      cidrhost(var.networks[node.network].cidr, 0), cidrhost(var.networks[node.network].cidr, -1), var.networks[node.network].gateway,
    ], node.address)
  ]
  nodes_dynamic = [
    for name, node in var.nodes : "${name} (${node.address})" if try(
      local.numbers[var.networks[node.network].dhcp.start] <= local.numbers[node.address] &&
      local.numbers[node.address] <= local.numbers[var.networks[node.network].dhcp.end],
      false,
    )
  ]
  host_wanted = length(local.bridged) > 0 && length(local.open) > 0
  host_inside = anytrue([
    for key in local.bridged : try(cidrhost("${var.host_address}/${local.prefixes[key]}", 0) == cidrhost(var.networks[key].cidr, 0), false)
  ])
}
