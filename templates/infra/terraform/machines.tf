# Each machine with its image, what it reads at its first boot, and the hypervisor that it is on.
locals {
  # Named after the content, so that a new pin is a new file. `make images` fetches and verifies them.
  image_files = { for key, image in local.images : key => "${abspath(path.root)}/images/${substr(image.sha512, 0, 16)}.qcow2" }

  machines = {
    for name, node in module.topology.nodes : name => merge(node, {
      host       = terraform_data.place["${name}-g${node.generation}"].input
      made_in    = terraform_data.network["${name}-g${node.generation}"].input
      image      = merge(local.images[node.image], { path = local.image_files[node.image] })
      ignition   = try(data.ct_config.flatcar[name].rendered, null)
      cloud_init = try(module.cloud_init[name], null)
    })
  }
}

# Where this generation of a machine was made: another host in the answers moves a machine with its next generation, and not before.
resource "terraform_data" "place" {
  for_each = { for name, node in module.topology.nodes : "${name}-g${node.generation}" => node.host }
  input    = each.value

  lifecycle {
    ignore_changes = [input]
  }
}

# The network that this generation of a machine was made in, which its hypervisor keeps for as long.
resource "terraform_data" "network" {
  for_each = { for name, node in module.topology.nodes : "${name}-g${node.generation}" => node.network }
  input    = each.value

  lifecycle {
    ignore_changes = [input]
  }
}
