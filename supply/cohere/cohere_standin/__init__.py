"""A stand-in for Cohere's v2 chat API that decides by rules."""
