"""Defects in how secrets and configuration reach the programs."""

from __future__ import annotations

from mutants.change import Remove, Replace
from mutants.mutant import Mutant, Needs

_CHART = "helm/todo-app"
_SETTINGS = f"{_CHART}/templates/_settings.tpl"
_BACKEND = f"{_CHART}/templates/backend.yaml"
_FRONTEND = f"{_CHART}/templates/frontend.yaml"
_VALUES = f"{_CHART}/values.yaml"
_REFERENCE = (
    "    secretKeyRef:\n"
    '      name: {{ include "todo-app.secretName" $.root }}\n'
    "      key: {{ . }}\n"
)
_NO_KEY = (
    Replace(
        _SETTINGS, _REFERENCE, _REFERENCE.replace("{{ . }}", '{{ . | lower | replace "_" "-" }}')
    ),
)
_OTHER_NAME = (
    Replace(
        _SETTINGS,
        "{{- range .secret }}\n- name: {{ . }}\n  valueFrom:\n",
        '{{- range .secret }}\n- name: {{ . | replace "DATABASE_URL" "DB_URL" }}\n  valueFrom:\n',
    ),
)
_IN_CONFIG = (
    Replace(
        _SETTINGS,
        "LOG_LEVEL: {{ .Values.config.logLevel | quote }}\n",
        "LOG_LEVEL: {{ .Values.config.logLevel | quote }}\n"
        "COHERE_API_KEY: {{ .Values.secrets.cohereApiKey | quote }}\n",
    ),
)
_NOT_VALIDATED = (Remove(f"{_CHART}/templates/validate.yaml"),)

MUTANTS = (
    Mutant(
        "secrets-key-not-there",
        "The pods refer to keys that the Secret does not have.",
        _NO_KEY,
        r"key (database-url|cohere-api-key|better-auth-secret) in Secret",
    ),
    Mutant(
        "secrets-key-not-there-deployed",
        "The pods refer to keys that the Secret does not have: no container is made.",
        _NO_KEY,
        r"CreateContainerConfigError.*key (database-url|better-auth-secret) in",
        Needs.CLUSTER,
        "one_installation",
    ),
    Mutant(
        "secrets-secret-not-there",
        "The pods refer to a Secret that does not exist.",
        (
            Replace(
                _SETTINGS,
                _REFERENCE,
                _REFERENCE.replace('{{ include "todo-app.secretName" $.root }}', "todo-secrets"),
            ),
        ),
        r"Secret todo-secrets, for",
    ),
    Mutant(
        "secrets-variable-renamed",
        "The chart sets DB_URL; the programs read DATABASE_URL.",
        _OTHER_NAME,
        r"to read DB_URL, which the chart sets|DATABASE_URL for Deployment",
    ),
    Mutant(
        "secrets-variable-renamed-deployed",
        "The chart sets DB_URL; the programs read DATABASE_URL and end at once.",
        _OTHER_NAME,
        r"(?s)exit code 78.*DATABASE_URL is not set",
        Needs.CLUSTER,
        "one_installation",
    ),
    Mutant(
        "secrets-unread-variable",
        "The chart gives the backend a variable that it does not read.",
        (
            Replace(
                _BACKEND,
                '(list "COHERE_BASE_URL" "COHERE_MODEL" "LOG_LEVEL")',
                '(list "COHERE_BASE_URL" "COHERE_MODEL" "LOG_LEVEL" "NEXT_PUBLIC_API_URL")',
            ),
        ),
        r"the program backend to read NEXT_PUBLIC_API_URL, which the chart sets",
    ),
    Mutant(
        "secrets-variable-missing",
        "The backend gets no key for Cohere, which it cannot do without.",
        (
            Replace(
                _BACKEND,
                '(list "DATABASE_URL" "BETTER_AUTH_SECRET" "COHERE_API_KEY")',
                '(list "DATABASE_URL" "BETTER_AUTH_SECRET")',
            ),
        ),
        r"COHERE_API_KEY for Deployment \S+-backend",
    ),
    Mutant(
        "secrets-too-widely-given",
        "The frontend gets the key for Cohere, for which it has no use.",
        (
            Replace(
                _FRONTEND,
                '(list "DATABASE_URL" "BETTER_AUTH_SECRET")',
                '(list "DATABASE_URL" "BETTER_AUTH_SECRET" "COHERE_API_KEY")',
            ),
        ),
        r"the program frontend to read COHERE_API_KEY, which the chart sets",
    ),
    Mutant(
        "secrets-in-config-map",
        "The key for Cohere stands in the ConfigMap.",
        _IN_CONFIG,
        r"ConfigMap \S+-config holds this secret in COHERE_API_KEY",
    ),
    Mutant(
        "secrets-in-config-map-deployed",
        "The key for Cohere can be read in the ConfigMap: seen on the cluster.",
        _IN_CONFIG,
        r"ConfigMap \S+: the value of \S*cohere",
        Needs.CLUSTER,
        "secrets_reach_the_pods",
    ),
    Mutant(
        "secrets-in-the-open",
        "The database's address stands in the Deployment itself.",
        (
            Replace(
                f"{_CHART}/templates/_component.tpl",
                "            - name: PORT\n",
                "            - name: MIGRATED_FROM\n"
                "              value: {{ $root.Values.secrets.databaseUrl | quote }}\n"
                "            - name: PORT\n",
            ),
        ),
        r"MIGRATED_FROM of Deployment .* holds a URL|holds this secret in MIGRATED_FROM",
    ),
    Mutant(
        "secrets-in-annotation",
        "The secret that signs tokens stands in an annotation of the pods.",
        (
            Replace(
                f"{_CHART}/templates/_component.tpl",
                '        {{- include "todo-app.checksums" . | nindent 8 }}\n',
                '        {{- include "todo-app.checksums" . | nindent 8 }}\n'
                "        signed-with: {{ $root.Values.secrets.betterAuthSecret | quote }}\n",
            ),
        ),
        r"Deployment \S+ holds this secret",
    ),
    Mutant(
        "secrets-default-value",
        "The values hold a secret that signs tokens, the same everywhere.",
        (
            Replace(
                _VALUES,
                '  betterAuthSecret: ""\n',
                '  betterAuthSecret: "f3b1c2d4e5f60718293a4b5c6d7e8f90a1b2c3d4"\n',
            ),
        ),
        r"secrets\.betterAuthSecret has a text, though it is a secret",
    ),
    Mutant(
        "secrets-default-database",
        "The values hold a database's address with its password.",
        (
            Replace(
                _VALUES,
                '  databaseUrl: ""\n',
                '  databaseUrl: "postgresql://todo:s3cr3t-of-all@db.internal:5432/todo"\n',
            ),
        ),
        r"secrets\.databaseUrl holds a URL with a password",
    ),
    Mutant(
        "secrets-not-encoded",
        "The Secret's values are not encoded.",
        (
            Replace(
                f"{_CHART}/templates/secret.yaml",
                "{{ $value | b64enc | quote }}",
                "{{ $value | quote }}",
            ),
        ),
        r"(?i)base64|encoded|Secret",
    ),
    Mutant(
        "secrets-not-demanded",
        "A missing secret is not refused: the pods crash instead.",
        _NOT_VALIDATED,
        r"the chart to refuse an installation without secrets\.\w+",
    ),
    Mutant(
        "secrets-not-demanded-deployed",
        "A missing secret is not refused when the chart is installed.",
        _NOT_VALIDATED,
        r"DID NOT RAISE",
        Needs.CLUSTER,
        "is_not_installed_and_says_why",
    ),
    Mutant(
        "secrets-existing-ignored",
        "A Secret of the user's own is ignored.",
        (
            Replace(
                f"{_CHART}/templates/_names.tpl",
                "{{- .Values.secrets.existingSecret | default (",
                '{{- "" | default (',
            ),
        ),
        r"existingSecret",
    ),
    Mutant(
        "secrets-change-reaches-nobody",
        "A new secret does not reach the pods: nothing makes them new.",
        (
            Replace(
                _SETTINGS,
                "checksum/secret: {{ toJson $ours | sha256sum }}\n",
                "checksum/secret: none\n",
            ),
        ),
        r"to be replaced when Secret \S+ changes",
    ),
    Mutant(
        "secrets-config-change-reaches-nobody",
        "A new value of the ConfigMap does not reach the pods: nothing makes them new.",
        (
            Replace(
                _SETTINGS,
                "checksum/config: {{ toJson $ours | sha256sum }}\n",
                "checksum/config: none\n",
            ),
        ),
        r"the pods of Deployment \S+ to be replaced when ConfigMap \S+ changes",
    ),
)
