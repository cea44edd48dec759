# What one machine is made of. Everything hangs on its generation: raising it replaces this machine and no other one, its data disk excepted.
# Nothing else does: a new image or configuration waits for the next generation, because neither Ignition nor cloud-init would run again.
locals {
  stem = "${var.node.name}-g${var.node.generation}"

  # Named after the content, so that a new pin is a new file.
  image_path = "${abspath(var.image_folder)}/${substr(var.image.sha512, 0, 16)}.qcow2"
}

resource "terraform_data" "generation" {
  triggers_replace = [var.node.generation]
}
