"""The inventory: hosts.yml, group_vars, host_vars and secrets, made into typed settings."""
