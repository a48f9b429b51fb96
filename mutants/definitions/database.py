"""Defects around the database: outside, inside, fresh."""

from __future__ import annotations

from mutants.change import Replace
from mutants.mutant import Mutant, Needs

_CHART = "helm/todo-app"
_POSTGRES = f"{_CHART}/templates/postgresql.yaml"
_FRONTEND = f"{_CHART}/templates/frontend.yaml"

MUTANTS = (
    Mutant(
        "database-sign-up-on-fresh",
        "Signing up fails on a fresh database, though every probe is green.",
        (
            # A database that no correct release has ever seen.
            Replace(
                "deploy.toml",
                'env = "DATABASE_URL"\nname = "todo"\n',
                'env = "DATABASE_URL"\nname = "fresh"\n',
            ),
            Replace(_FRONTEND, '(list "node" "migrate.mjs")', '(list "node" "--version")'),
            Replace(
                f"{_CHART}/values.yaml",
                "    readiness:\n      path: /api/ready\n",
                "    readiness:\n      path: /api/health\n",
            ),
        ),
        r"signing up: wanted 201, got 5\d\d|schema is not migrated: .* in user, session",
        Needs.CLUSTER,
        "frontend_hands_each_request",
    ),
    Mutant(
        "database-not-migrated",
        "The frontend's tables are never made.",
        (Replace(_FRONTEND, '(list "node" "migrate.mjs")', '(list "node" "--version")'),),
        r"`migrate\.mjs` of the image frontend to run before the program",
    ),
    Mutant(
        "database-inside-wrong-name",
        "With the database in the cluster its address names a Service that does not exist.",
        (
            Replace(
                f"{_CHART}/templates/_settings.tpl",
                "$pg.username $password $service $pg.service.port $pg.database",
                '$pg.username $password "postgres" $pg.service.port $pg.database',
            ),
        ),
        r"there is no Service `postgres` in the release",
    ),
    Mutant(
        "database-inside-password-not-there",
        "The database in the cluster refers to a key that the Secret does not have.",
        (Replace(_POSTGRES, '(list "POSTGRES_PASSWORD")', '(list "PGPASSWORD")'),),
        r"key PGPASSWORD in Secret",
    ),
    Mutant(
        "database-inside-claim-not-there",
        "The database in the cluster mounts a claim that nobody makes.",
        (
            Replace(
                _POSTGRES,
                "claimName: {{ $pg.persistence.existingClaim | default $fullname }}",
                'claimName: {{ $pg.persistence.existingClaim | default "todo-data" }}',
            ),
        ),
        r"PersistentVolumeClaim todo-data, for the volume",
    ),
    Mutant(
        "database-inside-switch-dead",
        "The switch for a database in the cluster does nothing.",
        (Replace(_POSTGRES, "{{- if .Values.postgresql.enabled }}\n", "{{- if false }}\n"),),
        r"there is no Service `postgres-svc`",
    ),
    Mutant(
        "database-inside-by-default",
        "The database is in the cluster by default, against the decision.",
        (
            Replace(
                f"{_CHART}/values.yaml",
                "  # -- Deploy PostgreSQL with this release and use it.\n  enabled: false\n",
                "  # -- Deploy PostgreSQL with this release and use it.\n  enabled: true\n",
            ),
        ),
        r"secrets\.postgresPassword must be set",
    ),
    Mutant(
        "database-inside-exposed",
        "The database in the cluster is open to the outside.",
        (
            Replace(
                _POSTGRES,
                "  type: ClusterIP\n",
                "  type: NodePort\n",
            ),
        ),
        r"Service postgres-svc is of type NodePort",
    ),
    Mutant(
        "database-inside-no-limits",
        "The database in the cluster has no limits.",
        (
            Replace(
                _POSTGRES,
                "          resources: {{- toYaml $pg.resources | nindent 12 }}\n"
                "          volumeMounts:\n"
                "            - name: data\n"
                "              mountPath: /var/lib/postgresql/data\n"
                "            - name: run\n",
                "          volumeMounts:\n"
                "            - name: data\n"
                "              mountPath: /var/lib/postgresql/data\n"
                "            - name: run\n",
            ),
        ),
        r"a limit .* for StatefulSet \S+-postgres",
    ),
)
