# The three files of cloud-init's NoCloud source for one Linux machine. What you write into snippets/ for the role comes last, and wins key by key.
locals {
  base = templatefile("${path.module}/user-data.yaml.tftpl", {
    node           = var.node
    timezone       = var.timezone
    ssh_public_key = var.ssh_public_key
  })
  own = [
    for name in fileset(path.module, "snippets/${var.node.role}.yaml") : file("${path.module}/${name}")
    if try(length(yamldecode(file("${path.module}/${name}"))), 0) > 0
  ]
}

output "user_data" {
  description = "What the machine is at its first boot; with a snippet an archive of both, which cloud-init merges in this order."
  value = length(local.own) == 0 ? local.base : "#cloud-config-archive\n${jsonencode([
    for content in concat([local.base], local.own) : { type = "text/cloud-config", content = content }
  ])}\n"
}

output "meta_data" {
  description = "Identity of the machine: cloud-init runs again when it changes."
  value       = jsonencode({ "instance-id" = "${var.node.name}-${var.node.generation}", "local-hostname" = var.node.name })
}

output "network_config" {
  description = "Network of the machine, version 2."
  value       = templatefile("${path.module}/network-config.yaml.tftpl", { node = var.node })
}
