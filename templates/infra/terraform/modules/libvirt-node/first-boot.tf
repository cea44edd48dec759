# What the machine reads at its first boot, as a volume of the pool. The provider stages both kinds in its temporary folder, which a reboot of this
# computer empties; the volumes ignore that they would be staged anew.
resource "libvirt_ignition" "this" {
  count   = var.ignition == null ? 0 : 1
  name    = local.stem
  content = var.ignition
}

resource "libvirt_volume" "ignition" {
  for_each = var.ignition == null ? [] : local.generation
  name     = "${local.stem}.ign"
  pool     = var.pool
  target   = { format = { type = "raw" }, permissions = { mode = "0644" } }
  create   = { content = { url = libvirt_ignition.this[0].path } }

  lifecycle {
    ignore_changes = [create]
  }
}

resource "libvirt_cloudinit_disk" "this" {
  count          = var.cloud_init == null ? 0 : 1
  name           = local.stem
  user_data      = var.cloud_init.user_data
  meta_data      = var.cloud_init.meta_data
  network_config = var.cloud_init.network_config
}

resource "libvirt_volume" "seed" {
  for_each = var.cloud_init == null ? [] : local.generation
  name     = "${local.stem}-seed.iso"
  pool     = var.pool
  target   = { format = { type = "iso" } }
  create   = { content = { url = libvirt_cloudinit_disk.this[0].path } }

  lifecycle {
    ignore_changes = [create]
  }
}
