# The machines of ../plan.json, which the answers give. Whatever wins over ../versions.yaml stands in ../versions.user.yaml.
locals {
  plan    = jsondecode(file("${path.root}/../plan.json"))
  own     = try(yamldecode(file("${path.root}/../versions.user.yaml")), null)
  images  = merge(yamldecode(file("${path.root}/../versions.yaml")).images, try(local.own.images, {}))
  hosts   = { for host in local.plan.hosts : host.name => host }
  flatcar = { for name, node in module.topology.nodes : name => node if node.os == "flatcar" }
  linux   = { for name, node in module.topology.nodes : name => node if node.os == "linux" }
}

module "topology" {
  source      = "./modules/topology"
  networks    = { for network in local.plan.networks : network.key => network }
  nodes       = { for node in local.plan.nodes : node.name => node }
  hosts       = local.hosts
  images      = local.images
  vips        = local.plan.vips
  generations = var.generations
}
