output "waiting" {
  description = "What of its hardware the plan says otherwise, and the next generation will have."
  value       = [for key, value in local.hardware : key if value != local.made[key]]
}

output "name" {
  description = "Name of the machine in libvirt (virsh console NAME)."
  value       = libvirt_domain.this.name
}
