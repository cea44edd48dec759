resource "libvirt_volume" "this" {
  name          = "${var.machine}-data.qcow2"
  pool          = var.pool
  capacity      = var.capacity_gib
  capacity_unit = "GiB"
  target        = { format = { type = "qcow2" } }

  lifecycle {
    prevent_destroy = true
    # The provider can't resize a volume.
    ignore_changes = [capacity]
  }
}

# The size that the disk has, so that another one in the plan is told and not passed over.
resource "terraform_data" "capacity_gib" {
  input = var.capacity_gib

  lifecycle {
    ignore_changes = [input]

    postcondition {
      condition     = self.output == var.capacity_gib
      error_message = "The data disk of ${var.machine} has ${self.output} GiB, the plan says ${var.capacity_gib}. Terraform changes no data disk: terraform/README.md, chapter Data disks, says how to grow it. A smaller one takes the old number in the answers."
    }
  }
}
