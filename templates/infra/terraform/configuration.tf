# What each machine reads at its first boot, from the sources in butane/ and cloud-init/.
module "butane" {
  for_each       = local.flatcar
  source         = "./butane"
  node           = each.value
  timezone       = local.plan.cluster.timezone
  ssh_public_key = local.plan.cluster.ssh_public_key
}

data "ct_config" "flatcar" {
  for_each = local.flatcar
  content  = module.butane[each.key].content
  snippets = module.butane[each.key].snippets
  # A key that Butane does not know is an error and not a setting that silently is not there.
  strict = true
}

module "cloud_init" {
  for_each       = local.linux
  source         = "./cloud-init"
  node           = each.value
  timezone       = local.plan.cluster.timezone
  ssh_public_key = local.plan.cluster.ssh_public_key
}
