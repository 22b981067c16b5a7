"""Files that people write and review: YAML with places, JSON Schemas, whole-file writing."""
