output "name" {
  description = "Name that a machine's interface refers to; known only once the network is there."
  value       = libvirt_network.this.name
}
