"""Where pytest finds the harness that is installed: the only module that every run imports."""
