variable "network" {
  type = object({
    name    = string
    mode    = string
    bridge  = string
    cidr    = string
    gateway = string
    dhcp    = optional(object({ start = string, end = string }))
  })
  description = "The network, as the module topology gives it."
}
