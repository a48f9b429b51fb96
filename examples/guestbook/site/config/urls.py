"""What is answered where."""

from django.urls import path
from entries import views

urlpatterns = [
    path("", views.book, name="book"),
    path("sign", views.sign, name="sign"),
    path("healthz", views.live),
    path("readyz", views.ready),
]
