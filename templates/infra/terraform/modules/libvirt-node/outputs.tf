output "name" {
  description = "Name of the machine in libvirt (virsh console NAME)."
  value       = libvirt_domain.this.name
}
