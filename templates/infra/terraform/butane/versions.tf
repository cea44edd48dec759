# No provider: the sources can be rendered, read and checked without one. Butane itself runs in the environment, in the provider ct.
terraform {
  required_version = ">= 1.9.0, < 2.0.0"
}
