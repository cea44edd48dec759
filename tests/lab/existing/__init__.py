"""A lab of machines that were there before: no Terraform, and Kubernetes on a machine that is not Flatcar."""
