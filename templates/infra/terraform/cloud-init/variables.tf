variable "node" {
  type = object({
    name        = string
    role        = string
    image       = string
    fqdn        = string
    mac         = string
    address     = string
    prefix      = number
    gateway     = string
    routes      = list(object({ to = string, via = string }))
    dns_servers = list(string)
    ntp_servers = list(string)
    generation  = number
  })
  description = "The machine, as the module topology gives it."
}

variable "timezone" {
  type        = string
  description = "Time zone, as in the IANA database."
}

variable "ssh_public_key" {
  type        = string
  description = "The only way in, as the user core."
}
