output "machines" {
  description = "What the machines on this hypervisor are, by name."
  value       = module.node
}

output "pending_networks" {
  description = "What the plan says otherwise about each network that this hypervisor has."
  value       = { for key, network in module.network : key => network.pending if length(network.pending) > 0 }
}
