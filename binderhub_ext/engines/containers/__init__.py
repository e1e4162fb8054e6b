"""What engines that run container images have in common, whatever builds and runs them."""
