"""What the sources of a program tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.contract import python
from harness.contract.code import sounds_secret
from harness.contract.javascript import Scripts
from harness.contract.production import _DEVELOPMENT
from harness.contract.program import Program
from harness.contract.script import Script
from harness.project import Image


def scripts(**files: str) -> Scripts:
    """Return scripts; two underscores in a name stand for a slash."""
    named = {f"web/{name.replace('__', '/')}.ts": text for name, text in files.items()}
    return Scripts("web", {name: Script(name, text) for name, text in named.items()})


@pytest.mark.parametrize(
    ("source", "name", "required", "default"),
    [
        ('os.environ["A_B"]', "A_B", True, None),
        ('os.environ.get("A_B")', "A_B", False, None),
        ('os.getenv("A_B", "x")', "A_B", False, "x"),
        ('x = os.environ.get("A_B") or "x"', "A_B", False, "x"),
        ('env.str("A_B")', "A_B", True, None),
        ('config("A_B", default="x")', "A_B", False, "x"),
        ("class S(BaseSettings):\n    a_b: str", "A_B", True, None),
        ('class S(BaseSettings):\n    a_b: str = "x"', "A_B", False, "x"),
        ('class S(BaseSettings):\n    a_b: SecretStr = SecretStr("x")', "A_B", False, "x"),
        ("class S(BaseSettings):\n    a_b: str = Field(..., min_length=3)", "A_B", True, None),
        ('class S(BaseSettings):\n    a_b: str = Field("x", min_length=3)', "A_B", False, "x"),
        ('class S(BaseSettings):\n    x: str = Field(alias="A_B")', "A_B", True, None),
        (
            "class S(BaseSettings):\n"
            '    model_config = SettingsConfigDict(env_prefix="A_")\n    b: int',
            "A_B",
            True,
            None,
        ),
        ("class B(BaseSettings): ...\nclass S(B):\n    a_b: str", "A_B", True, None),
        (
            "class S(BaseModel):\n    a_b: str\n"
            "{n: environ.get(n.upper()) for n in S.model_fields}",
            "A_B",
            True,
            None,
        ),
    ],
)
def test_variables_in_python(
    source: str, name: str, *, required: bool, default: str | None
) -> None:
    code = python.scan({"a.py": source})
    assert (required, default) in [(r.required, r.default) for r in code.reads if r.name == name]


def test_a_model_that_is_no_setting_is_none() -> None:
    assert python.scan({"a.py": "class Task(BaseModel):\n    title: str"}).reads == []


def test_a_newer_python_is_understood() -> None:
    code = python.scan({"a.py": 'type A = int\ndef f[T: A](x: T) -> T:\n    os.environ["A_B"]\n'})
    assert [(read.name, read.place.line) for read in code.reads] == [("A_B", 3)]


def test_what_cannot_be_parsed_is_read_by_its_words() -> None:
    code = python.scan({"a.py": 'x = = 1\nos.environ["A_B"]\n'})
    assert [(read.name, read.place.line) for read in code.reads] == [("A_B", 2)]


def test_routes_in_python() -> None:
    code = python.scan(
        {
            "routes.py": 'r = APIRouter(prefix="/api")\n@r.get("/{id}")\ndef one(): ...\n'
            '@r.get("/all")\ndef all(): ...\n',
            "app.py": 'app.include_router(routes.r, prefix="/v1")\n'
            '@app.get("/health")\ndef h(): ...\n',
        }
    )
    assert {(r.path, r.fixed) for r in code.routes} == {
        ("/v1/api/{id}", False),
        ("/v1/api/all", True),
        ("/health", True),
    }


@pytest.mark.parametrize(
    ("source", "required", "default"),
    [
        ("process.env.A_B", False, None),
        ('process.env["A_B"]', False, None),
        ("import.meta.env.A_B", False, None),
        ("process.env.A_B!", True, None),
        ("if (!process.env.A_B) throw new Error()", True, None),
        ('process.env.A_B || "x"', False, "x"),
        ("process.env.A_B ?? 'x'", False, "x"),
        ('required(env, "A_B", "set it")', True, None),
        ('value(env, "A_B") ?? "x"', False, "x"),
        ('requireEnv("A_B")', True, None),
        ('getEnv("A_B", "x")', False, "x"),
        ("z.object({ A_B: z.string().url() })", True, None),
        ("z.object({ A_B: z.string().optional() })", False, None),
        ('z.object({ A_B: z.string().default("x") })', False, "x"),
        ("const { A_B, C } = process.env;", False, None),
    ],
)
def test_variables_in_javascript(source: str, *, required: bool, default: str | None) -> None:
    reads = [r for r in scripts(src__a=f"\n{source}\n").code.reads if r.name == "A_B"]
    assert [(r.required, r.default, r.place.line) for r in reads] == [(required, default, 2)]


@pytest.mark.parametrize(
    "source",
    ["// process.env.A_B", "/* process.env.A_B */", 'process.env.A_B = "x";', '"a" // env("A_B")'],
)
def test_what_reads_nothing(source: str) -> None:
    assert scripts(src__a=source).code.reads == []


def test_a_comment_sign_within_a_text_is_none() -> None:
    code = scripts(src__a='const url = "https://x"; const q = /["\']/; process.env.A_B;').code
    assert [read.name for read in code.reads] == ["A_B"]


def test_routes_of_folders() -> None:
    routes = scripts(
        **{"src__app__api__health__route": "", "src__app__(shop)__page": ""}
    ).code.routes
    assert {(r.path, r.fixed) for r in routes} == {("/api/health", True), ("/", True)}
    named = {f"web/app/api/[...rest]/{name}.ts": Script(f"web/{name}", "") for name in ("route",)}
    assert [r.fixed for r in Scripts("web", named).code.routes] == [False]


def test_what_the_browser_gets() -> None:
    found = scripts(
        src__page='"use client";\nimport { a } from "@/lib/a";',
        src__lib__a='export * from "./b";',
        src__lib__b="",
        src__server="",
    ).in_browser
    assert {script.file for script in found} == {
        "web/src/page.ts",
        "web/src/lib/a.ts",
        "web/src/lib/b.ts",
    }


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("BETTER_AUTH_SECRET", True),
        ("cohereApiKey", True),
        ("DB_PASSWORD", True),
        ("MIN_SECRET_LENGTH", False),
        ("SECRET_NAME", False),
        ("LOG_LEVEL", False),
    ],
)
def test_names_that_sound_secret(name: str, *, secret: bool) -> None:
    assert sounds_secret(name) is secret


def test_routes_of_django_stand_below_what_includes_them() -> None:
    from harness.contract import python

    site = "urlpatterns = [path('api/', include('shop.urls'))]\n"
    shop = "urlpatterns = [path('healthz/', views.h), path('goods/<int:n>/', views.g)]\n"
    code = python.scan({"backend/site/urls.py": site, "backend/shop/urls.py": shop})
    assert {route.path for route in code.routes if route.fixed} == {"/api/healthz/", "/api/healthz"}
    assert any(route.path == "/api/goods/<int:n>/" for route in code.routes)


def test_a_template_of_nginx_reads_what_is_put_into_it(tmp_path: Path) -> None:
    (tmp_path / "desk").mkdir()
    (tmp_path / "desk" / "default.conf.template").write_text(
        "location /api/ {\n  proxy_pass ${API_URL};\n  proxy_set_header Host $host;\n}\n"
    )
    image = Image(
        context="desk", repository="desk", port=8080, health="/", max_mb=500, goal_mb=None
    )
    reads = Program("desk", image, tmp_path).code.reads
    assert [read.name for read in reads] == ["API_URL"]


STARLETTE = """
async def ready(request):
    try:
        async with pool.connection() as connection:
            await connection.execute("SELECT 1")
    except Error:
        return JSONResponse({"status": "not ready"}, 503)
    return JSONResponse({"status": "ready"})

async def live(request):
    return JSONResponse({"status": "ok"})

routes = [Route("/live", live), Route("/ready", ready), Route("/other", elsewhere.ready)]
"""


def test_a_handler_that_fails_with_its_database_depends_on_it() -> None:
    found = {route.path: route for route in python.scan({"app.py": STARLETTE}).routes}
    assert found["/ready"].database == "async with pool.connection() as connection:"
    assert not found["/live"].database
    assert found["/live"].constant
    assert not found["/ready"].constant


def test_handlers_of_django_are_found_in_other_files() -> None:
    views = """
def ready(request):
    try:
        connection.cursor()
    except DatabaseError:
        return JsonResponse({}, status=503)
    return JsonResponse({})

def live(request):
    return JsonResponse({})
"""
    urls = 'urlpatterns = [path("readyz", views.ready), path("livez", views.live)]'
    code = python.scan({"site/urls.py": urls, "book/views.py": views})
    told = {route.path: (route.database, route.constant) for route in code.routes}
    assert told == {"/readyz": ("connection.cursor()", False), "/livez": ("", True)}


@pytest.mark.parametrize(
    ("body", "database"),
    [
        ('try { await pool.query("SELECT 1"); } catch (e) { r.status(503).end(); }', "pool.query"),
        ('try { await pool.query("SELECT 1"); } catch (e) { r.json({}); }', ""),
        ("try { parse(q); } catch (e) { r.status(503).end(); }", ""),
        ("r.json({});", ""),
    ],
)
def test_a_handler_of_express_that_fails_with_its_database(body: str, database: str) -> None:
    other = 'app.get("/b", (q, r) => { try { db.all(); } catch (e) { r.status(500); } });'
    source = f'app.get("/a", async (q, r) => {{ {body} }});\n{other}'
    found = {route.path: route.database for route in Script("app.js", source).code.routes}
    assert found["/a"].startswith(database)
    assert bool(found["/a"]) == bool(database)
    assert found["/b"]


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("server {\n  listen 127.0.0.1:8080;\n}", ["127.0.0.1"]),
        ("listen localhost:80;", ["localhost"]),
        ("listen [::1]:80 default_server;", ["::1"]),
        ("listen 8080;", []),
        ("listen 127.0.0.1:9000;\nlisten 8080;", []),
        ("listen 0.0.0.0:80;", []),
    ],
)
def test_what_nginx_listens_on(tmp_path: Path, text: str, bound: list[str]) -> None:
    (tmp_path / "default.conf").write_text(text)
    image = Image(context=".", repository="web", port=80, health="/")
    assert [b.text for b in Program("web", image, tmp_path).code.binds] == bound


@pytest.mark.parametrize(
    ("command", "development"),
    [
        ("python manage.py runserver 0.0.0.0:8000", True),
        ("node --watch src/server.js", True),
        ("bun --hot --watch index.ts", True),
        ("tsx watch src/index.ts", True),
        ("python manage.py migrate", False),
        ("node src/watch.js", False),
    ],
)
def test_commands_for_development(command: str, *, development: bool) -> None:
    assert bool(_DEVELOPMENT.search(command)) is development
