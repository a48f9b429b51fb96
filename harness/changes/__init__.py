"""What a change can affect: which files changed, and which scenarios depend on them."""
