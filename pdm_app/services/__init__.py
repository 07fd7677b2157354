"""What can be asked of the product: one set of functions that UI, RPC and CLI all call."""
