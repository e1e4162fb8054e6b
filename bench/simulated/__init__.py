"""A cluster whose control plane is real and whose nodes, pods and images are not."""
