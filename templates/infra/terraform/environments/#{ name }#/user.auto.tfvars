# Yours: generations, host_address, pool_path and domain_type (variables.tf says what they are). What stands here wins over terraform.tfvars.json.
# No update of the template touches this file.
