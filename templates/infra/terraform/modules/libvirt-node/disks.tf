# Each machine has a copy of the image below its root disk. A shared one could neither be deleted nor replaced while a single machine stands on it.
resource "libvirt_volume" "base" {
  for_each = local.generation
  name     = "${local.stem}-base.qcow2"
  pool     = var.pool
  target   = { format = { type = "qcow2" } }
  create   = { content = { url = var.node.image.path } }

  lifecycle {
    ignore_changes = [create]
  }
}

resource "libvirt_volume" "root" {
  for_each      = local.generation
  name          = "${local.stem}.qcow2"
  pool          = var.pool
  capacity      = var.node.disk_gib
  capacity_unit = "GiB"
  target        = { format = { type = "qcow2" } }
  backing_store = { path = libvirt_volume.base[each.key].path, format = { type = "qcow2" } }

  lifecycle {
    # The provider can't resize a volume.
    ignore_changes = [capacity]
  }
}
