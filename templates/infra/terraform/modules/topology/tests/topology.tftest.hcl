# What the module gives for a small cluster behind the hypervisor with its load balancer in the LAN. Other files hold what it refuses.
variables {
  domain       = "example.com"
  host_address = "192.168.0.40"
  networks = {
    edge    = { name = "br0", mode = "bridge", bridge = "br0", cidr = "192.168.0.0/24", gateway = "192.168.0.1" }
    infra   = { name = "nat_network_02", mode = "open", bridge = "virbr-t-2", cidr = "10.17.3.0/24", gateway = "10.17.3.1", dhcp = { start = "10.17.3.200", end = "10.17.3.250" } }
    cluster = { name = "nat_network_03", mode = "open", bridge = "virbr-t-3", cidr = "10.17.4.0/24", gateway = "10.17.4.1", dhcp = { start = "10.17.4.200", end = "10.17.4.250" } }
  }
  nodes = {
    lb1     = { role = "loadbalancer", os = "linux", network = "edge", address = "192.168.0.11", mac = "52:54:00:a8:00:0b", cpus = 1, memory_mib = 1024, disk_gib = 10, data_disk_gib = 0 }
    infra1  = { role = "infra", os = "linux", network = "infra", address = "10.17.3.11", mac = "52:54:00:11:03:0b", cpus = 1, memory_mib = 1024, disk_gib = 10, data_disk_gib = 0 }
    master1 = { role = "master", os = "flatcar", network = "cluster", address = "10.17.4.21", mac = "52:54:00:11:04:15", cpus = 2, memory_mib = 4096, disk_gib = 30, data_disk_gib = 0 }
  }
  virtual_addresses = { api = "192.168.0.10" }
  dns_servers       = ["10.17.3.11"]
  dns_upstream      = ["9.9.9.9"]
  ntp_servers       = ["10.17.3.11"]
}

run "a_machine_learns_what_its_network_says" {
  command = plan
  assert {
    condition     = output.nodes.master1.gateway == "10.17.4.1" && output.nodes.master1.prefix == 24
    error_message = "gateway and prefix of master1"
  }
  assert {
    condition     = output.nodes.master1.network_name == "nat_network_03"
    error_message = "network of master1"
  }
  assert {
    condition     = output.nodes.master1.fqdn == "master1.example.com"
    error_message = "full name of master1"
  }
}

run "only_machines_in_the_lan_get_routes_through_the_hypervisor" {
  command = plan
  assert {
    condition = toset(output.nodes.lb1.routes) == toset([
      { to = "10.17.3.0/24", via = "192.168.0.40" }, { to = "10.17.4.0/24", via = "192.168.0.40" },
    ])
    error_message = "routes of lb1"
  }
  assert {
    condition     = length(output.nodes.master1.routes) + length(output.nodes.infra1.routes) == 0
    error_message = "routes of the others"
  }
}

run "infra_machines_do_not_ask_themselves" {
  command = plan
  assert {
    condition     = output.nodes.infra1.dns_servers == tolist(["9.9.9.9"]) && length(output.nodes.infra1.ntp_servers) == 0
    error_message = "servers of infra1"
  }
  assert {
    condition     = output.nodes.master1.dns_servers == tolist(["10.17.3.11"]) && output.nodes.master1.ntp_servers == tolist(["10.17.3.11"])
    error_message = "servers of master1"
  }
}

run "a_generation_belongs_to_one_machine" {
  command = plan
  variables {
    generations = { master1 = 3 }
  }
  assert {
    condition     = output.nodes.master1.generation == 3 && output.nodes.infra1.generation == 1
    error_message = "generations"
  }
}
