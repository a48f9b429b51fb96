"""What is kept."""

from django.db import models


class Entry(models.Model):
    """What somebody wrote into the book."""

    name = models.CharField(max_length=80)
    words = models.CharField(max_length=500)
    written = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.name}: {self.words}"
