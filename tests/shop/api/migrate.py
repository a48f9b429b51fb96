"""Makes the tables of the made-up shop."""

import os

DATABASE_URL = os.environ["DATABASE_URL"]
