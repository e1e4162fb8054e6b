"""What is everybody's: seen and changed by administrators alone."""
