"""Where things that are not ours come from: engine, tools, base and node images."""
