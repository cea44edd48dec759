output "networks" {
  description = "The networks, as they were given."
  value       = var.networks

  precondition {
    condition     = length(local.gateways_outside) == 0
    error_message = "A gateway is no address of its network: ${join(", ", local.gateways_outside)}."
  }
  precondition {
    condition     = length(local.ranges_outside) == 0
    error_message = "A dhcp range is not within its network, or ends before it starts: ${join(", ", local.ranges_outside)}."
  }
}

output "nodes" {
  description = "The machines by name, each with everything that its configuration is made from."
  value       = local.nodes

  precondition {
    condition     = length(local.nodes_outside) == 0
    error_message = "A machine's address is outside its network: ${join(", ", local.nodes_outside)}."
  }
  precondition {
    condition     = length(local.nodes_reserved) == 0
    error_message = "A machine has its network's first or last address, or the gateway's: ${join(", ", local.nodes_reserved)}."
  }
  precondition {
    condition     = length(local.nodes_dynamic) == 0
    error_message = "A machine's address lies in the dhcp range, where others may get it too: ${join(", ", local.nodes_dynamic)}."
  }
  precondition {
    condition     = length(local.routes_nowhere) == 0
    error_message = "Machines in the LAN (${join(", ", local.routes_nowhere)}) reach the others through the hypervisor: write its address in the LAN into the answers, as ${join(" or ", distinct([for node in var.nodes : "hosts.${node.host}.address" if var.networks[node.network].mode != "bridge"]))}."
  }
}
