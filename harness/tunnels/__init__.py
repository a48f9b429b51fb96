"""Ways from this machine into a cluster that publishes no port to it."""
