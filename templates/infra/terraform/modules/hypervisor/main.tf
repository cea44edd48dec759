# What one hypervisor has of the cluster. One without machines has nothing.
locals {
  used = toset(length(var.nodes) > 0 ? ["used"] : [])
  # A bridge of the LAN is on each host. Networks behind a host belong together, since the host forwards between them, and are where a machine is, or
  # was made and waits for its generation.
  behind   = anytrue([for key in concat(values(var.nodes)[*].network, values(var.nodes)[*].made_in) : try(var.networks[key].mode, "bridge") != "bridge"])
  networks = { for key, network in var.networks : key => network if length(local.used) > 0 && (network.mode == "bridge" || local.behind) }
  # The LAN's bridge may be called otherwise on each host.
  bridges = { for key, network in local.networks : key => key == "edge" && network.mode == "bridge" ? var.host.bridge : network.bridge }
}

module "network" {
  for_each = local.networks
  source   = "../libvirt-network"
  network  = merge(each.value, { bridge = local.bridges[each.key] })
}

resource "libvirt_pool" "this" {
  for_each = local.used
  name     = var.cluster
  type     = "dir"
  target   = { path = coalesce(var.pool_path, "/var/lib/libvirt/images/${var.cluster}") }
  # Terraform removes its own volumes one by one; the folder may hold more.
  destroy = { delete = false }

  lifecycle {
    # Another folder would be another pool, without the disks that are there.
    ignore_changes = [target]
  }
}

# Apart from the machines, so that nothing that happens to one takes its data along.
module "data_disk" {
  for_each     = { for name, node in var.nodes : name => node if node.data_disk_gib > 0 }
  source       = "../libvirt-data-disk"
  machine      = each.key
  pool         = libvirt_pool.this["used"].name
  capacity_gib = each.value.data_disk_gib
}

module "node" {
  for_each    = var.nodes
  source      = "../libvirt-node"
  node        = each.value
  network     = module.network[each.value.network].name
  pool        = libvirt_pool.this["used"].name
  data_disk   = each.value.data_disk_gib > 0 ? module.data_disk[each.key].path : null
  domain_type = var.domain_type
}

check "capacity" {
  data "libvirt_node_info" "this" {}

  assert {
    condition     = sum(concat([0], values(var.nodes)[*].memory_mib)) * 1024 <= data.libvirt_node_info.this.memory_total_kb
    error_message = "The machines on ${var.host.name} have ${sum(concat([0], values(var.nodes)[*].memory_mib))} MiB of memory together, the host has ${floor(data.libvirt_node_info.this.memory_total_kb / 1024)} MiB: not all of them will start."
  }
  assert {
    condition     = alltrue([for node in var.nodes : node.cpus <= data.libvirt_node_info.this.cpu_cores_total])
    error_message = "A machine on ${var.host.name} has more processors than the host, which has ${data.libvirt_node_info.this.cpu_cores_total}."
  }
}
