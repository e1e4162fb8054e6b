"""What nobody else knows: the service's database, its tables and their migrations."""
