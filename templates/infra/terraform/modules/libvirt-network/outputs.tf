output "pending" {
  description = "What the plan says otherwise, and the network does not have."
  value       = [for key, value in local.wanted : key if value != local.made[key]]
}

output "name" {
  description = "Name that a machine's interface refers to; known only once the network is there."
  value       = libvirt_network.this.name
}
