output "addresses" {
  description = "The machines' addresses by name, as Ansible's inventory has them."
  value       = { for name, node in module.topology.nodes : name => node.address }
}

output "consoles" {
  description = "How to watch a machine start, before SSH answers."
  value = {
    for name, machine in local.machines :
    name => "virsh --connect '${local.hosts[machine.host].uri}' console ${local.made[name].libvirt_name}"
  }
}

output "pending" {
  description = <<-EOT
    What the plan says otherwise about machines that exist: it takes effect when their generation is raised. configuration is what a machine
    reads at its first boot: one that stands here was set up by an older one.
  EOT
  value = {
    for name, pending in {
      for name, node in module.topology.nodes :
      name => concat(local.made[name].pending, node.host == local.machines[name].host ? [] : ["host"])
    } : name => pending if length(pending) > 0
  }
}

output "pending_networks" {
  description = "What the plan says otherwise about networks that exist, by hypervisor. README.md, Change a network, says how to have it so."
  value       = { for host, networks in local.pending_networks : host => networks if length(networks) > 0 }
}
