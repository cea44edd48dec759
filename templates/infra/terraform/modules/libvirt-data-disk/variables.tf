variable "machine" {
  type        = string
  description = "Name of the machine that it belongs to."
}

variable "pool" {
  type        = string
  description = "Name of the storage pool."
}

variable "capacity_gib" {
  type        = number
  description = "Its size in GiB."
}
