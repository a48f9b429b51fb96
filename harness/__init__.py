"""Mechanisms that build, deploy and probe an application. They know no pytest."""
