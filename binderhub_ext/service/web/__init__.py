"""What people and programs see: pages, the API, and what stands on them."""
