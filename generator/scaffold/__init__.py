"""A new repository: what `bqnctl init` was told → the files of an inventory, its pipelines and its timer."""
