"""The book, its form, and what probes ask."""

from django.db import DatabaseError, connection
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from entries.models import Entry

SHOWN = 100


class EntryForm(ModelForm):
    """What somebody fills in."""

    class Meta:
        model = Entry
        fields = ("name", "words")


def page(request: HttpRequest, form: EntryForm, status: int = 200) -> HttpResponse:
    """Show the form, and the newest entries below it."""
    shown = {"form": form, "entries": Entry.objects.all()[:SHOWN]}
    return render(request, "book.html", shown, status=status)


@require_safe
def book(request: HttpRequest) -> HttpResponse:
    """Show the book."""
    return page(request, EntryForm())


@require_POST
def sign(request: HttpRequest) -> HttpResponse:
    """Keep an entry, or show the form again with what is wrong."""
    form = EntryForm(request.POST)
    if not form.is_valid():
        return page(request, form, 422)
    form.save()
    return redirect("book")


@require_safe
def live(_request: HttpRequest) -> JsonResponse:
    """Say that the process serves."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(_request: HttpRequest) -> JsonResponse:
    """Ask the database, and say what came of it."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return JsonResponse({"status": "not ready", "error": type(error).__name__}, status=503)
    return JsonResponse({"status": "ready"})
