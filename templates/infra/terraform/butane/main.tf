# The Butane sources of one Flatcar machine. All machines share node.yaml.tftpl, those with a data disk add data-disk.yaml, and what you write into
# snippets/ for the role comes last: Ignition merges by path and by name, and the last one wins.
output "content" {
  description = "Butane of the machine."
  value = templatefile("${path.module}/node.yaml.tftpl", {
    node           = var.node
    timezone       = var.timezone
    ssh_public_key = var.ssh_public_key
  })
}

output "snippets" {
  description = "Further Butane that is merged into it, in this order."
  value = concat(
    var.node.data_disk_gib > 0 ? [file("${path.module}/data-disk.yaml")] : [],
    [for name in fileset(path.module, "snippets/${var.node.role}.yaml") : file("${path.module}/${name}")],
  )
}
