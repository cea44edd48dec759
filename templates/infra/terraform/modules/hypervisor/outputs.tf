output "machines" {
  description = "What the machines on this hypervisor are, by name."
  value       = module.node
}
