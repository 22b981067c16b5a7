"""The support bundle: what those who help need to see, without secrets and without customers."""
