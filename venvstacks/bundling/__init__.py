"""Single files that deploy: the deployer, and bundles with a publication in them."""
