"""What is a person's own: files, volumes, disk space, credentials, and who else may enter."""
