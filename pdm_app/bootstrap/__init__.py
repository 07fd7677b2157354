"""Everything that happens before the product's own packages exist: the set-up of a bare checkout, with Python alone."""
