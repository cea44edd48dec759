# What one machine is made of. Everything hangs on its generation: raising it replaces this machine and no other one, its data disk excepted.
# A new image, configuration, size, disk, network or MAC alone touches nothing that exists. Neither Ignition nor cloud-init would run again, and the
# others take a restart, which would hit all machines of a role at the same time, the masters with etcd among them.
locals {
  # Resources that are made anew in each generation are keyed by it, instead of being replaced: what they ignore would otherwise keep the values
  # of the generation before.
  generation = toset([tostring(var.node.generation)])
  current    = tostring(var.node.generation)
  stem       = "${var.node.name}-g${var.node.generation}"

  hardware = {
    cpus       = var.node.cpus
    memory_mib = var.node.memory_mib
    mac        = var.node.mac
    network    = var.network
    data_disk  = var.data_disk
  }

  # Named after the content, so that a new pin is a new file.
  image_path = "${abspath(var.image_folder)}/${substr(var.image.sha512, 0, 16)}.qcow2"
}

# The domain keeps its name, so the old one has to go before the new one comes.
resource "terraform_data" "generation" {
  triggers_replace = [var.node.generation]
}

# The hardware with which this generation was made.
resource "terraform_data" "hardware" {
  for_each = local.generation
  input    = local.hardware

  lifecycle {
    ignore_changes = [input]
  }
}
