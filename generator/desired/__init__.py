"""The desired state: from billing records to policies, subscribers and groups, to YAML and back."""
