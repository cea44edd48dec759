# The machines of ../plan.json, which the answers give. Whatever wins over ../versions.yaml stands in ../versions.user.yaml.
locals {
  plan     = jsondecode(file("${path.root}/../plan.json"))
  own      = try(yamldecode(file("${path.root}/../versions.user.yaml")), null)
  images   = merge(yamldecode(file("${path.root}/../versions.yaml")).images, try(local.own.images, {}))
  host     = one([for host in local.plan.hosts : host if host.name == one(distinct(local.plan.nodes[*].host))])
  flatcar  = { for name, node in module.topology.nodes : name => node if node.os == "flatcar" }
  linux    = { for name, node in module.topology.nodes : name => node if node.os == "linux" }
  has_data = { for name, node in module.topology.nodes : name => node if node.data_disk_gib > 0 }
}

module "topology" {
  source      = "./modules/topology"
  networks    = { for network in local.plan.networks : network.key => network }
  nodes       = { for node in local.plan.nodes : node.name => node }
  vips        = local.plan.vips
  generations = var.generations
}

module "network" {
  for_each = module.topology.networks
  source   = "./modules/libvirt-network"
  network  = each.value
}

resource "libvirt_pool" "this" {
  name   = local.plan.cluster.name
  type   = "dir"
  target = { path = coalesce(var.pool_path, "/var/lib/libvirt/images/${local.plan.cluster.name}") }
  # Terraform removes its own volumes one by one; the folder may hold more.
  destroy = { delete = false }
}

# Apart from the machines, so that nothing that happens to one takes its data along.
module "data_disk" {
  for_each     = local.has_data
  source       = "./modules/libvirt-data-disk"
  machine      = each.key
  pool         = libvirt_pool.this.name
  capacity_gib = each.value.data_disk_gib
}

module "node" {
  for_each     = module.topology.nodes
  source       = "./modules/libvirt-node"
  node         = each.value
  network      = module.network[each.value.network].name
  pool         = libvirt_pool.this.name
  data_disk    = each.value.data_disk_gib > 0 ? module.data_disk[each.key].path : null
  image        = local.images[each.value.os]
  image_folder = "${path.root}/images"
  ignition     = each.value.os == "flatcar" ? data.ct_config.flatcar[each.key].rendered : null
  cloud_init   = each.value.os == "linux" ? module.cloud_init[each.key] : null
  domain_type  = var.domain_type
}
