"""Clusters to deploy to: one small interface, one class a provider."""
