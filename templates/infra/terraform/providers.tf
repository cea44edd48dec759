# One run makes the machines of one hypervisor: a provider can't be chosen machine by machine.
provider "libvirt" {
  uri = local.host.uri
}
