# The three files of cloud-init's NoCloud source for one Linux machine.
output "user_data" {
  description = "What the machine is at its first boot."
  value = templatefile("${path.module}/user-data.yaml.tftpl", {
    node           = var.node
    timezone       = var.timezone
    ssh_public_key = var.ssh_public_key
  })
}

output "meta_data" {
  description = "Identity of the machine: cloud-init runs again when it changes."
  value       = jsonencode({ "instance-id" = "${var.node.name}-${var.node.generation}", "local-hostname" = var.node.name })
}

output "network_config" {
  description = "Network of the machine, version 2."
  value       = templatefile("${path.module}/network-config.yaml.tftpl", { node = var.node, domain = var.domain })
}
