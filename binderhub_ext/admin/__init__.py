"""What an administrator does on the command line, one module per thing."""
