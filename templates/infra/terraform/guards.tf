# What would go wrong halfway is refused by the plan. A machine that is rebuilt is destroyed first, and nobody has it back if a later step fails.
locals {
  # Machines that this plan makes. Their images alone are looked at, since a digest of each takes a second.
  to_make = [for name, made in local.made : name if made.to_make]
  facts = {
    for key in distinct([for name in local.to_make : module.topology.nodes[name].image]) :
    key => try(jsondecode(file("${trimsuffix(local.image_files[key], ".qcow2")}.json")), null)
  }
  not_ready = [
    for key, facts in local.facts : "${key} (${local.image_files[key]})"
    if !try(facts.sha512 == local.images[key].sha512 && filesha512(local.image_files[key]) == local.images[key].sha512, false)
  ]
  too_small = [
    for name in local.to_make : "${name} (${module.topology.nodes[name].disk_gib} GiB)"
    if module.topology.nodes[name].disk_gib * pow(1024, 3) < try(local.facts[module.topology.nodes[name].image].virtual_size, 0)
  ]

  # A network that is gone from the plan would be destroyed under the machines in it.
  stranded = [
    for name, machine in local.machines : "${name} (${machine.made_in})" if !contains(keys(module.topology.networks), machine.made_in)
  ]

  # K3s servers that are there and would be made anew. One that comes for the first time is no loss to etcd.
  servers  = [for name, node in module.topology.nodes : name if contains(node.groups, "k3s_servers")]
  is_built = terraform_data.built.input != plantimestamp() || anytrue([for name in local.servers : local.made[name].existed])
  going_anew = [
    for name in local.servers : name
    if local.is_built && local.made[name].to_make && (local.made[name].existed || module.topology.nodes[name].generation > 1)
  ]
}

# Remembers that the machines were made once, all of them: what it says differs from the time of the plan from then on.
resource "terraform_data" "built" {
  input      = plantimestamp()
  depends_on = [terraform_data.guard]

  lifecycle {
    ignore_changes = [input]
  }
}

resource "terraform_data" "guard" {
  input = keys(local.made)

  lifecycle {
    precondition {
      condition     = length(local.not_ready) == 0
      error_message = "An image is not there, or is not what versions.yaml says: ${join(", ", local.not_ready)}. Run `make images` in the folder above, which fetches and verifies it; nothing was changed."
    }
    precondition {
      condition     = length(local.stranded) == 0
      error_message = "Machines are in a network that the plan no longer has: ${join(", ", local.stranded)}. Raise their generations, which makes them anew in the one that it has; nothing was changed."
    }
    precondition {
      condition     = length(local.too_small) == 0
      error_message = "The disk is smaller than the image that it starts from: ${join(", ", local.too_small)}. Raise disk_gib in the answers; nothing was changed."
    }
  }
}

output "generations" {
  description = "How often each machine was rebuilt."
  value       = { for name, node in module.topology.nodes : name => node.generation }

  precondition {
    condition     = length(local.going_anew) <= 1
    error_message = "K3s servers would be rebuilt together: ${join(", ", local.going_anew)}. etcd loses its quorum, and with it the cluster. Raise one generation, apply, wait until the server is Ready again, then the next one; nothing was changed."
  }
}
