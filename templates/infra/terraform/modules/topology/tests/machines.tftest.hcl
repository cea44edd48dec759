# Machines that are refused: each differs from one that is taken.
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

run "unknown_system" {
  command = plan
  variables {
    nodes = { master1 = merge(var.nodes.master1, { os = "windows" }) }
  }
  expect_failures = [var.nodes]
}

run "machine_with_another_key" {
  command = plan
  variables {
    nodes = { master1 = merge(var.nodes.master1, { name = "master2" }) }
  }
  expect_failures = [var.nodes]
}

run "even_number_of_servers" {
  command = plan
  variables {
    nodes = merge(var.nodes, { worker1 = merge(var.nodes.master1, { name = "worker1", address = "10.17.4.31", mac = "52:54:00:11:04:1f" }) })
  }
  expect_failures = [var.nodes]
}

run "machine_on_an_unknown_hypervisor" {
  command = plan
  variables {
    nodes = { master1 = merge(var.nodes.master1, { host = "kvm3" }) }
  }
  expect_failures = [var.nodes]
}

run "machine_without_an_image" {
  command = plan
  variables {
    nodes = { master1 = merge(var.nodes.master1, { image = "alma" }) }
  }
  expect_failures = [var.nodes]
}

run "image_over_plain_http" {
  command = plan
  variables {
    images = { flatcar = merge(var.images.flatcar, { url = "http://example.com/flatcar.img" }) }
  }
  expect_failures = [var.images]
}

run "image_without_a_digest" {
  command = plan
  variables {
    images = { flatcar = merge(var.images.flatcar, { sha512 = "" }) }
  }
  expect_failures = [var.images]
}

run "machines_behind_two_hypervisors" {
  command = plan
  variables {
    nodes = merge(var.nodes, { worker1 = merge(var.nodes.master1, { name = "worker1", groups = ["workers"], address = "10.17.4.31", mac = "52:54:00:11:04:1f", host = "kvm2" }) })
  }
  expect_failures = [var.nodes]
}

run "unknown_network" {
  command = plan
  variables {
    nodes = { master1 = merge(var.nodes.master1, { network = "lan" }) }
  }
  expect_failures = [var.nodes]
}

run "two_machines_with_one_address" {
  command = plan
  variables {
    nodes = merge(var.nodes, { worker1 = merge(var.nodes.master1, { name = "worker1", groups = ["workers"], mac = "52:54:00:11:04:1f" }) })
  }
  expect_failures = [var.nodes]
}

run "two_machines_with_one_mac" {
  command = plan
  variables {
    nodes = merge(var.nodes, { worker1 = merge(var.nodes.master1, { name = "worker1", groups = ["workers"], address = "10.17.4.31" }) })
  }
  expect_failures = [var.nodes]
}

run "multicast_mac" {
  command = plan
  variables {
    nodes = { master1 = merge(var.nodes.master1, { mac = "53:54:00:11:04:15" }) }
  }
  expect_failures = [var.nodes]
}

run "too_little_memory" {
  command = plan
  variables {
    nodes = { master1 = merge(var.nodes.master1, { memory_mib = 256 }) }
  }
  expect_failures = [var.nodes]
}

run "address_outside_of_the_network" {
  command = plan
  variables {
    nodes = { master1 = merge(var.nodes.master1, { address = "10.17.5.21" }) }
  }
  expect_failures = [output.nodes]
}

run "address_that_is_none" {
  command = plan
  variables {
    nodes = { master1 = merge(var.nodes.master1, { address = "10.17.4.256" }) }
  }
  expect_failures = [output.nodes]
}

run "address_of_the_gateway" {
  command = plan
  variables {
    nodes = { master1 = merge(var.nodes.master1, { address = "10.17.4.1" }) }
  }
  expect_failures = [output.nodes]
}

run "broadcast_address" {
  command = plan
  variables {
    nodes = { master1 = merge(var.nodes.master1, { address = "10.17.4.255" }) }
  }
  expect_failures = [output.nodes]
}

run "address_in_the_dhcp_range" {
  command = plan
  variables {
    nodes = { master1 = merge(var.nodes.master1, { address = "10.17.4.210" }) }
  }
  expect_failures = [output.nodes]
}

run "route_through_nowhere" {
  command = plan
  variables {
    nodes = { master1 = merge(var.nodes.master1, { routes = [{ to = "10.17.3.0/24", via = "" }] }) }
  }
  expect_failures = [output.nodes]
}

run "route_through_another_network" {
  command = plan
  variables {
    nodes = { master1 = merge(var.nodes.master1, { routes = [{ to = "10.17.3.0/24", via = "10.17.5.1" }] }) }
  }
  expect_failures = [output.nodes]
}

run "virtual_address_of_a_machine" {
  command = plan
  variables {
    vips = [{ name = "api", address = "10.17.4.21" }]
  }
  expect_failures = [var.vips]
}

run "generation_of_an_unknown_machine" {
  command = plan
  variables {
    generations = { worker9 = 2 }
  }
  expect_failures = [var.generations]
}

run "generation_below_one" {
  command = plan
  variables {
    generations = { master1 = 0 }
  }
  expect_failures = [var.generations]
}
