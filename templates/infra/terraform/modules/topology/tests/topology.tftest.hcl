# What the module gives. Other files hold what it refuses.
variables {
  networks = {
    cluster = { libvirt_name = "t-net", mode = "nat", bridge = "virbr-t-1", cidr = "10.17.4.0/24", prefix = 24, gateway = "10.17.4.1", dhcp_start = "10.17.4.200", dhcp_end = "10.17.4.250" }
  }
  nodes = {
    master1 = {
      name    = "master1", libvirt_name = "t-master1", fqdn = "master1.example.com", role = "master", groups = ["masters", "k3s_servers"], os = "flatcar", image = "flatcar", host = "kvm1",
      network = "cluster", address = "10.17.4.21", prefix = 24, gateway = "10.17.4.1", routes = [], dns_servers = ["10.17.4.11"], ntp_servers = ["10.17.4.11"],
      mac     = "52:54:00:11:04:15", cpus = 2, memory_mib = 4096, disk_gib = 30, data_disk_gib = 0
    }
  }
  hosts  = { kvm1 = { address = "" }, kvm2 = { address = "" } }
  images = { flatcar = { version = "1", url = "https://example.com/flatcar.img", sha512 = join("", [for i in range(128) : "0"]) } }
  vips   = []
}

run "networks_and_machines_are_given_as_they_came" {
  command = plan
  assert {
    condition     = output.networks.cluster.bridge == "virbr-t-1" && output.nodes.master1.address == "10.17.4.21"
    error_message = "networks and nodes"
  }
}

run "a_machine_is_of_the_first_generation_unless_told_otherwise" {
  command = plan
  assert {
    condition     = output.nodes.master1.generation == 1
    error_message = "generation"
  }
}

run "a_generation_belongs_to_one_machine" {
  command = plan
  variables {
    nodes       = merge(var.nodes, { worker1 = merge(var.nodes.master1, { name = "worker1", groups = ["workers"], address = "10.17.4.31", mac = "52:54:00:11:04:1f" }) })
    generations = { master1 = 3 }
  }
  assert {
    condition     = output.nodes.master1.generation == 3 && output.nodes.worker1.generation == 1
    error_message = "generations"
  }
}

run "machines_of_the_lan_may_be_on_any_hypervisor" {
  command = plan
  variables {
    networks = { cluster = merge(var.networks.cluster, { mode = "bridge", bridge = "br0" }) }
    nodes    = merge(var.nodes, { worker1 = merge(var.nodes.master1, { name = "worker1", groups = ["workers"], address = "10.17.4.31", mac = "52:54:00:11:04:1f", host = "kvm2" }) })
  }
  assert {
    condition     = output.nodes.worker1.host == "kvm2"
    error_message = "host"
  }
}
