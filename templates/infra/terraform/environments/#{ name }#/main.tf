locals {
  terraform = "${path.root}/../.."
  images    = yamldecode(file("${local.terraform}/../versions.yaml")).images
  flatcar   = { for name, node in module.topology.nodes : name => node if node.os == "flatcar" }
  linux     = { for name, node in module.topology.nodes : name => node if node.os == "linux" }
}

module "topology" {
  source            = "../../modules/topology"
  domain            = var.domain
  networks          = var.networks
  nodes             = var.nodes
  virtual_addresses = var.virtual_addresses
  dns_servers       = var.dns_servers
  dns_upstream      = var.dns_upstream
  ntp_servers       = var.ntp_servers
  host_address      = var.host_address
  generations       = var.generations
}

module "network" {
  for_each = module.topology.networks
  source   = "../../modules/libvirt-network"
  network  = each.value
}

resource "libvirt_pool" "this" {
  name   = var.cluster
  type   = "dir"
  target = { path = coalesce(var.pool_path, "/var/lib/libvirt/images/${var.cluster}") }
  # Terraform removes its own volumes one by one; the folder may hold more.
  destroy = { delete = false }
}

module "node" {
  for_each     = module.topology.nodes
  source       = "../../modules/libvirt-node"
  node         = each.value
  network      = module.network[each.value.network].name
  pool         = libvirt_pool.this.name
  image        = local.images[each.value.os]
  image_folder = "${local.terraform}/images"
  ignition     = each.value.os == "flatcar" ? data.ct_config.flatcar[each.key].rendered : null
  cloud_init   = each.value.os == "linux" ? module.cloud_init[each.key] : null
  domain_type  = var.domain_type
}
