# Networks that are refused: each differs from one that is taken.
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

run "unknown_mode" {
  command = plan
  variables {
    networks = { cluster = merge(var.networks.cluster, { mode = "route" }) }
  }
  expect_failures = [var.networks]
}

run "cidr_with_host_bits" {
  command = plan
  variables {
    networks = { cluster = merge(var.networks.cluster, { cidr = "10.17.4.1/24" }) }
  }
  expect_failures = [var.networks]
}

run "cidr_and_prefix_that_differ" {
  command = plan
  variables {
    networks = { cluster = merge(var.networks.cluster, { prefix = 25 }) }
  }
  expect_failures = [var.networks]
}

run "bridge_longer_than_the_kernel_takes" {
  command = plan
  variables {
    networks = { cluster = merge(var.networks.cluster, { bridge = "virbr-much-too-long" }) }
  }
  expect_failures = [var.networks]
}

run "two_networks_with_one_bridge" {
  command = plan
  variables {
    networks = merge(var.networks, { infra = merge(var.networks.cluster, { libvirt_name = "t-other", mode = "open", cidr = "10.17.3.0/24" }) })
  }
  expect_failures = [var.networks]
}

run "nat_beside_another_network" {
  command = plan
  variables {
    networks = merge(var.networks, { edge = { libvirt_name = "t-br0", mode = "bridge", bridge = "br0", cidr = "192.168.0.0/24", prefix = 24, gateway = "192.168.0.1", dhcp_start = "", dhcp_end = "" } })
  }
  expect_failures = [var.networks]
}

run "no_dhcp_range_behind_the_hypervisor" {
  command = plan
  variables {
    networks = { cluster = merge(var.networks.cluster, { dhcp_start = "", dhcp_end = "" }) }
  }
  expect_failures = [var.networks]
}

run "half_a_dhcp_range" {
  command = plan
  variables {
    networks = { cluster = merge(var.networks.cluster, { dhcp_end = "" }) }
  }
  expect_failures = [var.networks]
}

run "gateway_of_another_network" {
  command = plan
  variables {
    networks = { cluster = merge(var.networks.cluster, { gateway = "10.17.5.1" }) }
  }
  expect_failures = [output.networks]
}

run "dhcp_range_of_another_network" {
  command = plan
  variables {
    networks = { cluster = merge(var.networks.cluster, { dhcp_start = "10.17.5.200", dhcp_end = "10.17.5.250" }) }
  }
  expect_failures = [output.networks]
}

run "dhcp_range_that_ends_before_it_starts" {
  command = plan
  variables {
    networks = { cluster = merge(var.networks.cluster, { dhcp_start = "10.17.4.250", dhcp_end = "10.17.4.200" }) }
  }
  expect_failures = [output.networks]
}
