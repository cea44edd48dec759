# Networks that are refused.
variables {
  domain            = "example.com"
  networks          = { cluster = { name = "net", mode = "nat", bridge = "virbr-t-1", cidr = "10.17.4.0/24", gateway = "10.17.4.1", dhcp = { start = "10.17.4.200", end = "10.17.4.250" } } }
  nodes             = { master1 = { role = "master", os = "flatcar", network = "cluster", address = "10.17.4.21", mac = "52:54:00:11:04:15", cpus = 2, memory_mib = 4096, disk_gib = 30, data_disk_gib = 0 } }
  virtual_addresses = {}
  dns_servers       = ["10.17.4.11"]
  dns_upstream      = ["9.9.9.9"]
  ntp_servers       = ["10.17.4.11"]
}

run "unknown_mode" {
  command = plan
  variables {
    networks = { cluster = { name = "net", mode = "route", bridge = "virbr-t-1", cidr = "10.17.4.0/24", gateway = "10.17.4.1", dhcp = { start = "10.17.4.200", end = "10.17.4.250" } } }
  }
  expect_failures = [var.networks]
}

run "cidr_with_host_bits" {
  command = plan
  variables {
    networks = { cluster = { name = "net", mode = "nat", bridge = "virbr-t-1", cidr = "10.17.4.1/24", gateway = "10.17.4.1", dhcp = { start = "10.17.4.200", end = "10.17.4.250" } } }
  }
  expect_failures = [var.networks]
}

run "bridge_longer_than_the_kernel_takes" {
  command = plan
  variables {
    networks = { cluster = { name = "net", mode = "nat", bridge = "virbr-a-long-cluster", cidr = "10.17.4.0/24", gateway = "10.17.4.1", dhcp = { start = "10.17.4.200", end = "10.17.4.250" } } }
  }
  expect_failures = [var.networks]
}

run "two_networks_on_one_bridge" {
  command = plan
  variables {
    networks = {
      cluster = { name = "net", mode = "open", bridge = "virbr-t-1", cidr = "10.17.4.0/24", gateway = "10.17.4.1", dhcp = { start = "10.17.4.200", end = "10.17.4.250" } }
      infra   = { name = "other", mode = "open", bridge = "virbr-t-1", cidr = "10.17.3.0/24", gateway = "10.17.3.1", dhcp = { start = "10.17.3.200", end = "10.17.3.250" } }
    }
  }
  expect_failures = [var.networks]
}

run "nat_beside_another_network" {
  command = plan
  variables {
    networks = {
      cluster = { name = "net", mode = "nat", bridge = "virbr-t-1", cidr = "10.17.4.0/24", gateway = "10.17.4.1", dhcp = { start = "10.17.4.200", end = "10.17.4.250" } }
      edge    = { name = "br0", mode = "bridge", bridge = "br0", cidr = "192.168.0.0/24", gateway = "192.168.0.1" }
    }
  }
  expect_failures = [var.networks]
}

run "no_dhcp_range_behind_the_hypervisor" {
  command = plan
  variables {
    networks = { cluster = { name = "net", mode = "nat", bridge = "virbr-t-1", cidr = "10.17.4.0/24", gateway = "10.17.4.1" } }
  }
  expect_failures = [var.networks]
}

run "gateway_of_another_network" {
  command = plan
  variables {
    networks = { cluster = { name = "net", mode = "nat", bridge = "virbr-t-1", cidr = "10.17.4.0/24", gateway = "10.17.5.1", dhcp = { start = "10.17.4.200", end = "10.17.4.250" } } }
  }
  expect_failures = [output.networks]
}

run "dhcp_range_of_another_network" {
  command = plan
  variables {
    networks = { cluster = { name = "net", mode = "nat", bridge = "virbr-t-1", cidr = "10.17.4.0/24", gateway = "10.17.4.1", dhcp = { start = "10.17.5.200", end = "10.17.5.250" } } }
  }
  expect_failures = [output.networks]
}

run "dhcp_range_that_ends_before_it_starts" {
  command = plan
  variables {
    networks = { cluster = { name = "net", mode = "nat", bridge = "virbr-t-1", cidr = "10.17.4.0/24", gateway = "10.17.4.1", dhcp = { start = "10.17.4.250", end = "10.17.4.200" } } }
  }
  expect_failures = [output.networks]
}

run "lan_and_open_network_without_the_address_between_them" {
  command = plan
  variables {
    networks = {
      cluster = { name = "net", mode = "open", bridge = "virbr-t-1", cidr = "10.17.4.0/24", gateway = "10.17.4.1", dhcp = { start = "10.17.4.200", end = "10.17.4.250" } }
      edge    = { name = "br0", mode = "bridge", bridge = "br0", cidr = "192.168.0.0/24", gateway = "192.168.0.1" }
    }
  }
  expect_failures = [output.nodes]
}

run "hypervisor_outside_of_the_lan" {
  command = plan
  variables {
    networks = {
      cluster = { name = "net", mode = "open", bridge = "virbr-t-1", cidr = "10.17.4.0/24", gateway = "10.17.4.1", dhcp = { start = "10.17.4.200", end = "10.17.4.250" } }
      edge    = { name = "br0", mode = "bridge", bridge = "br0", cidr = "192.168.0.0/24", gateway = "192.168.0.1" }
    }
    host_address = "10.17.4.1"
  }
  expect_failures = [output.nodes]
}
