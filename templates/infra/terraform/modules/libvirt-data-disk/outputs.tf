output "path" {
  description = "Its file on the hypervisor."
  value       = libvirt_volume.this.path
}
