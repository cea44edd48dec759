# Yours: generations, pool_path and domain_type (variables.tf says what they are). No update of the template touches this file.
