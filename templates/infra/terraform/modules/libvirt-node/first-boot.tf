# What the machine reads at its first boot, as a volume of the pool. The provider stages both kinds in its temporary folder, which a reboot of this
# computer empties; the volumes ignore that they would be staged anew. A newer configuration waits for the next generation.
resource "libvirt_ignition" "this" {
  for_each = toset(local.made.os == "flatcar" ? local.generation : [])
  name     = local.stem
  content  = coalesce(var.node.ignition, "{}")

  lifecycle {
    ignore_changes = [content]
  }
}

resource "libvirt_volume" "ignition" {
  for_each = toset(local.made.os == "flatcar" ? local.generation : [])
  name     = "${local.stem}.ign"
  pool     = var.pool
  target   = { format = { type = "raw" }, permissions = { mode = "0644" } }
  create   = { content = { url = libvirt_ignition.this[each.key].path } }

  lifecycle {
    ignore_changes = [create]
  }
}

resource "libvirt_cloudinit_disk" "this" {
  for_each       = toset(local.made.os == "linux" ? local.generation : [])
  name           = local.stem
  user_data      = try(var.node.cloud_init.user_data, "")
  meta_data      = try(var.node.cloud_init.meta_data, "")
  network_config = try(var.node.cloud_init.network_config, "")

  lifecycle {
    ignore_changes = [user_data, meta_data, network_config]
  }
}

resource "libvirt_volume" "seed" {
  for_each = toset(local.made.os == "linux" ? local.generation : [])
  name     = "${local.stem}-seed.iso"
  pool     = var.pool
  create   = { content = { url = libvirt_cloudinit_disk.this[each.key].path } }

  lifecycle {
    ignore_changes = [create]
  }
}
