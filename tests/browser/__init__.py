"""The tests in a browser; as a package, so that the browser that they share ends with them."""
