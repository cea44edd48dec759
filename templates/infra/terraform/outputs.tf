output "addresses" {
  description = "The machines' addresses by name, as Ansible's inventory has them."
  value       = { for name, node in module.topology.nodes : name => node.address }
}

output "consoles" {
  description = "How to watch a machine start, before SSH answers."
  value       = { for name, node in module.node : name => "virsh --connect '${local.host.uri}' console ${node.name}" }
}

output "waiting" {
  description = "What the plan says otherwise about machines that exist: it takes effect when their generation is raised."
  value       = { for name, node in module.node : name => node.waiting if length(node.waiting) > 0 }
}
