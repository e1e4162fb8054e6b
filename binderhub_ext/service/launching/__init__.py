"""What a launch does: its five steps, the builds and starts it joins, who may how often."""
