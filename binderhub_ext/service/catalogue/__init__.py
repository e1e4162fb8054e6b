"""What people recommend to each other: entries, what is popular, and whether it still works."""
