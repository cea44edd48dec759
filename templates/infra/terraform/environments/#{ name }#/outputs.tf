output "addresses" {
  description = "The machines' addresses by name, as Ansible's inventory has them."
  value       = { for name, node in var.nodes : name => node.address }
}

output "consoles" {
  description = "How to watch a machine start, before SSH answers."
  value       = { for name, node in module.node : name => "virsh --connect '${var.libvirt_uri}' console ${node.name}" }
}
