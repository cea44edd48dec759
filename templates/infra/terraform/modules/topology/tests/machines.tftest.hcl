# Machines that are refused.
variables {
  domain            = "example.com"
  networks          = { cluster = { name = "net", mode = "nat", bridge = "virbr-t-1", cidr = "10.17.4.0/24", gateway = "10.17.4.1", dhcp = { start = "10.17.4.200", end = "10.17.4.250" } } }
  nodes             = { master1 = { role = "master", os = "flatcar", network = "cluster", address = "10.17.4.21", mac = "52:54:00:11:04:15", cpus = 2, memory_mib = 4096, disk_gib = 30, data_disk_gib = 0 } }
  virtual_addresses = {}
  dns_servers       = ["10.17.4.11"]
  dns_upstream      = ["9.9.9.9"]
  ntp_servers       = ["10.17.4.11"]
}

run "unknown_role" {
  command = plan
  variables {
    nodes = { master1 = { role = "server", os = "flatcar", network = "cluster", address = "10.17.4.21", mac = "52:54:00:11:04:15", cpus = 2, memory_mib = 4096, disk_gib = 30, data_disk_gib = 0 } }
  }
  expect_failures = [var.nodes]
}

run "master_on_another_system" {
  command = plan
  variables {
    nodes = { master1 = { role = "master", os = "linux", network = "cluster", address = "10.17.4.21", mac = "52:54:00:11:04:15", cpus = 2, memory_mib = 4096, disk_gib = 30, data_disk_gib = 0 } }
  }
  expect_failures = [var.nodes]
}

run "even_number_of_masters" {
  command = plan
  variables {
    nodes = {
      master1 = { role = "master", os = "flatcar", network = "cluster", address = "10.17.4.21", mac = "52:54:00:11:04:15", cpus = 2, memory_mib = 4096, disk_gib = 30, data_disk_gib = 0 }
      master2 = { role = "master", os = "flatcar", network = "cluster", address = "10.17.4.22", mac = "52:54:00:11:04:16", cpus = 2, memory_mib = 4096, disk_gib = 30, data_disk_gib = 0 }
    }
  }
  expect_failures = [var.nodes]
}

run "unknown_network" {
  command = plan
  variables {
    nodes = { master1 = { role = "master", os = "flatcar", network = "lan", address = "10.17.4.21", mac = "52:54:00:11:04:15", cpus = 2, memory_mib = 4096, disk_gib = 30, data_disk_gib = 0 } }
  }
  expect_failures = [var.nodes]
}

run "two_machines_with_one_address" {
  command = plan
  variables {
    nodes = {
      master1 = { role = "master", os = "flatcar", network = "cluster", address = "10.17.4.21", mac = "52:54:00:11:04:15", cpus = 2, memory_mib = 4096, disk_gib = 30, data_disk_gib = 0 }
      worker1 = { role = "worker", os = "flatcar", network = "cluster", address = "10.17.4.21", mac = "52:54:00:11:04:16", cpus = 2, memory_mib = 4096, disk_gib = 30, data_disk_gib = 0 }
    }
  }
  expect_failures = [var.nodes]
}

run "two_machines_with_one_mac" {
  command = plan
  variables {
    nodes = {
      master1 = { role = "master", os = "flatcar", network = "cluster", address = "10.17.4.21", mac = "52:54:00:11:04:15", cpus = 2, memory_mib = 4096, disk_gib = 30, data_disk_gib = 0 }
      worker1 = { role = "worker", os = "flatcar", network = "cluster", address = "10.17.4.31", mac = "52:54:00:11:04:15", cpus = 2, memory_mib = 4096, disk_gib = 30, data_disk_gib = 0 }
    }
  }
  expect_failures = [var.nodes]
}

run "multicast_mac" {
  command = plan
  variables {
    nodes = { master1 = { role = "master", os = "flatcar", network = "cluster", address = "10.17.4.21", mac = "53:54:00:11:04:15", cpus = 2, memory_mib = 4096, disk_gib = 30, data_disk_gib = 0 } }
  }
  expect_failures = [var.nodes]
}

run "too_little_memory" {
  command = plan
  variables {
    nodes = { master1 = { role = "master", os = "flatcar", network = "cluster", address = "10.17.4.21", mac = "52:54:00:11:04:15", cpus = 2, memory_mib = 256, disk_gib = 30, data_disk_gib = 0 } }
  }
  expect_failures = [var.nodes]
}

run "address_outside_of_the_network" {
  command = plan
  variables {
    nodes = { master1 = { role = "master", os = "flatcar", network = "cluster", address = "10.17.5.21", mac = "52:54:00:11:04:15", cpus = 2, memory_mib = 4096, disk_gib = 30, data_disk_gib = 0 } }
  }
  expect_failures = [output.nodes]
}

run "address_that_is_none" {
  command = plan
  variables {
    nodes = { master1 = { role = "master", os = "flatcar", network = "cluster", address = "10.17.4.256", mac = "52:54:00:11:04:15", cpus = 2, memory_mib = 4096, disk_gib = 30, data_disk_gib = 0 } }
  }
  expect_failures = [output.nodes]
}

run "address_of_the_gateway" {
  command = plan
  variables {
    nodes = { master1 = { role = "master", os = "flatcar", network = "cluster", address = "10.17.4.1", mac = "52:54:00:11:04:15", cpus = 2, memory_mib = 4096, disk_gib = 30, data_disk_gib = 0 } }
  }
  expect_failures = [output.nodes]
}

run "broadcast_address" {
  command = plan
  variables {
    nodes = { master1 = { role = "master", os = "flatcar", network = "cluster", address = "10.17.4.255", mac = "52:54:00:11:04:15", cpus = 2, memory_mib = 4096, disk_gib = 30, data_disk_gib = 0 } }
  }
  expect_failures = [output.nodes]
}

run "address_in_the_dhcp_range" {
  command = plan
  variables {
    nodes = { master1 = { role = "master", os = "flatcar", network = "cluster", address = "10.17.4.210", mac = "52:54:00:11:04:15", cpus = 2, memory_mib = 4096, disk_gib = 30, data_disk_gib = 0 } }
  }
  expect_failures = [output.nodes]
}

run "virtual_address_of_a_machine" {
  command = plan
  variables {
    virtual_addresses = { api = "10.17.4.21" }
  }
  expect_failures = [var.virtual_addresses]
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
