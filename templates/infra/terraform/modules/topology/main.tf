# What the plan says about each machine, and how often it was rebuilt.
locals {
  nodes = { for name, node in var.nodes : name => merge(node, { generation = lookup(var.generations, name, 1) }) }
}
