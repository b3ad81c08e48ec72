"""The end-to-end tests; as a package, so that the stack that they share ends with them."""
