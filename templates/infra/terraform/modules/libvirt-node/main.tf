# What one machine is made of. Everything hangs on its generation: raising it replaces this machine and no other one, its data disk excepted.
# A new image, configuration, size, disk, network, MAC or system alone touches nothing that exists. Neither Ignition nor cloud-init would run again,
# and the others take a restart, which would hit all machines of a role at the same time, the masters with etcd among them.
locals {
  # Resources that are made anew in each generation are keyed by it, instead of being replaced: what they ignore would otherwise keep the values
  # of the generation before.
  generation = toset([tostring(var.node.generation)])
  current    = tostring(var.node.generation)
  stem       = "${var.node.name}-g${var.node.generation}"

  wanted = {
    libvirt_name  = var.node.libvirt_name
    domain_type   = var.domain_type
    os            = var.node.os
    image         = var.node.image.sha512
    configuration = sha256(jsonencode([var.node.ignition, var.node.cloud_init]))
    cpus          = var.node.cpus
    memory_mib    = var.node.memory_mib
    disk_gib      = var.node.disk_gib
    mac           = var.node.mac
    network       = var.network
    data_disk     = var.data_disk
  }
  made = terraform_data.made[local.current].input
}

# The domain keeps its name, so the old one has to go before the new one comes.
resource "terraform_data" "generation" {
  triggers_replace = [var.node.generation]
}

# With what this generation was made.
resource "terraform_data" "made" {
  for_each = local.generation
  input    = local.wanted

  lifecycle {
    ignore_changes = [input]
  }
}

# That this generation is there. In the plan that makes it the value is the time of the plan, afterwards an older one.
resource "terraform_data" "there" {
  for_each   = local.generation
  input      = plantimestamp()
  depends_on = [libvirt_domain.this]

  lifecycle {
    ignore_changes = [input]
  }
}

# That some generation was there, in the same way.
resource "terraform_data" "existed" {
  input      = plantimestamp()
  depends_on = [libvirt_domain.this]

  lifecycle {
    ignore_changes = [input]
  }
}
