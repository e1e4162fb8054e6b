"""What people use of the hub: written down, limited and priced."""
