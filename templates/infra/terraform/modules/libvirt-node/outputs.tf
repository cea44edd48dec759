output "pending" {
  description = "What the plan says otherwise, and the next generation will have."
  value       = [for key, value in local.wanted : key if value != local.made[key]]
}

output "libvirt_name" {
  description = "Name of the machine in libvirt (virsh console NAME)."
  value       = local.made.libvirt_name
}

output "to_make" {
  description = "Whether this plan makes the machine, for the first time or anew."
  value       = terraform_data.there[local.current].input == plantimestamp()
}

output "existed" {
  description = "Whether the machine was there before this plan."
  value       = terraform_data.existed.input != plantimestamp()
}
