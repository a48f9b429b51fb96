"""What the contract checks find in a rendered chart; with the real Helm."""

from __future__ import annotations

import pytest
from contract_support import Edit, Shop, shop

__all__ = ["shop"]

API, WEB = "chart/templates/api.yaml", "chart/templates/web.yaml"
HELPERS, CONFIG = "chart/templates/_helpers.tpl", "chart/templates/config.yaml"
INGRESS, VALUES = "chart/templates/ingress.yaml", "chart/values.yaml"
LIVE = "livenessProbe:\n            httpGet: {path: /health, port: http}"
READY = "readinessProbe:\n            httpGet: {path: /ready, port: http}"
STARTUP = (
    "          startupProbe:\n            httpGet: {path: /health, port: http}\n"
    "            periodSeconds: 2\n            failureThreshold: 30\n"
)
URL = (
    'http://{{ include "shop.name" (dict "root" . "part" "api") }}'
    ".{{ .Release.Namespace }}.svc:8000"
)
HOOK = (
    "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {{ .Release.Name }}-hook\n  labels:\n"
    "    app.kubernetes.io/instance: {{ .Release.Name }}\n  annotations:\n"
    "    helm.sh/hook: post-install\nspec:\n  template:\n    spec: {containers: []}\n"
)

#: check, changes of files, file and words of the line that is named, words of what was seen
BROKEN: dict[str, tuple[str, list[Edit], str, str]] = {
    "a template that does not render": (
        "renders",
        [(WEB, "containerPort: 3000", "containerPort: {{ .Values.no.such }}")],
        f"{WEB}: containerPort:",
        "nil pointer",
    ),
    "a name that is too long": (
        "names",
        [
            (HELPERS, ' | trunc 40 | trimSuffix "-"', ""),
            (HELPERS, '"%s-%s"', '"%s-%s-of-the-shop"'),
        ],
        f"{API}: name:",
        "characters) for the release another-release",
    ),
    "a namespace that is fixed": (
        "names",
        [(CONFIG, "kind: ConfigMap\nmetadata:", "kind: ConfigMap\nmetadata:\n  namespace: market")],
        f"{CONFIG}: namespace: market",
        "always put into the namespace market",
    ),
    "an object that is nobody's": (
        "labels",
        [
            (
                INGRESS,
                'labels: {{- include "shop.selector"',
                'annotations: {{- include "shop.selector"',
            )
        ],
        f"{INGRESS}: metadata:",
        "lacks the label",
    ),
    "a name for all releases": (
        "release names",
        [
            (CONFIG, 'name: {{ include "shop.name" (dict "root" . "part" "config") }}', "name: co"),
            (API, 'name: {{ include "shop.name" (dict "root" . "part" "config") }}', "name: co"),
        ],
        f"{CONFIG}: name: co",
        "it is co in every release",
    ),
    "a selector for all releases": (
        "release names",
        [(HELPERS, "app.kubernetes.io/instance: {{ .root.Release.Name }}\n", "")],
        f"{API}: selector:",
        "app.kubernetes.io/component=api is the same for every release",
    ),
    "a field that nobody knows": (
        "fields",
        [(API, "  strategy:\n", "  stratagem:\n")],
        f"{API}: stratagem:",
        "spec.stratagem: Kubernetes knows no such field",
    ),
    "a number where a text belongs": (
        "fields",
        [(API, "value: {{ .Values.api.port | quote }}", "value: {{ .Values.api.port }}")],
        f"{API}: value:",
        "not of the type str",
    ),
    "a key that the Secret lacks": (
        "references",
        [(API, "key: SHOP_SECRET", "key: SECRET_OF_SHOP")],
        f"{API}: key: SECRET_OF_SHOP",
        "its keys: DATABASE_URL, SHOP_SECRET",
    ),
    "a ConfigMap of one release": (
        "references",
        [
            (
                API,
                'name: {{ include "shop.name" (dict "root" . "part" "config") }}',
                "name: shop-config",
            )
        ],
        f"{API}: name: shop-config",
        "of this kind there is: zebra-config",
    ),
    "a volume that is not there": (
        "references",
        [(WEB, "- name: cache\n              mount", "- name: cash\n              mount")],
        f"{WEB}: - name: cash",
        "there is no volume `cash`",
    ),
    "a spread that counts nobody": (
        "references",
        [
            (
                WEB,
                'matchLabels: {{- include "shop.selector" $names | nindent 14 }}',
                "matchLabels: {app: web}",
            )
        ],
        f"{WEB}: labelSelector:",
        "its selector {'app': 'web'} does not match them",
    ),
    "a backend of an Ingress that is not there": (
        "references",
        [(INGRESS, '"part" "web"', '"part" "shop"')],
        INGRESS,
        "of this kind there is: zebra-api, zebra-web",
    ),
    "a tag that is latest": (
        "images",
        [(VALUES, 'repository: shop-web\n    tag: ""', "repository: shop-web\n    tag: latest")],
        f"{VALUES}: tag: latest",
        "web.image.tag is latest",
    ),
    "a tag that is fixed": (
        "images",
        [(HELPERS, "{{ .image.tag | default .root.Chart.AppVersion }}", "7.7.7")],
        f"{HELPERS}: image:",
        "`shop-api:7.7.7` where shop-api:contract-api was given",
    ),
    "an image that is always pulled": (
        "images",
        [(HELPERS, "{{ .image.pullPolicy }}", "Always")],
        f"{HELPERS}: imagePullPolicy: Always",
        "imagePullPolicy is Always",
    ),
    "a variable that nobody reads": (
        "settings read",
        [(API, "- name: GREETING", "- name: GREETINGS")],
        f"{API}: - name: GREETINGS",
        "nothing in api reads it; there is GREETING",
    ),
    "a variable that is set twice": (
        "settings read",
        [(API, "- name: GREETING", "- name: SHOP_SECRET")],
        f"{API}: - name: SHOP_SECRET",
        "it is set twice",
    ),
    "a variable that is not set": (
        "settings given",
        [(WEB, "- name: API_URL", "- name: PORT")],
        f"{WEB}: env:",
        "the chart does not set it",
    ),
    "a migration without its database": (
        "settings given",
        [
            (
                API,
                "          env:\n            - name: DATABASE_URL",
                "          env:\n            - name: PORT",
            )
        ],
        f"{API}: key: DATABASE_URL",
        "what runs before the program needs the database",
    ),
    "a Service that does not exist": (
        "addresses",
        [(WEB, URL, "http://backend:8000")],
        f"{WEB}: value: http://backend:8000",
        "there is no Service `backend` in the release shop; Services: shop-api, shop-web",
    ),
    "a Service of one release": (
        "addresses",
        [(WEB, URL, "http://shop-api:8000")],
        f"{WEB}: value: http://shop-api:8000",
        "there is no Service `shop-api` in the release zebra",
    ),
    "a Service of one namespace": (
        "addresses",
        [(WEB, ".{{ .Release.Namespace }}.svc", ".market.svc.cluster.local")],
        f"{WEB}: - name: API_URL",
        "is in the namespace market, but the release zebra is in elsewhere",
    ),
    "a port that the Service lacks": (
        "addresses",
        [(WEB, ".svc:8000", ".svc:9000")],
        f"{WEB}: value: http://",
        "Service shop-api has no port 9000; its ports: 8000",
    ),
    "localhost": (
        "addresses",
        [(WEB, URL, "http://localhost:8000")],
        f"{WEB}: value: http://localhost:8000",
        "`localhost` is the pod itself",
    ),
    "an address outside": (
        "addresses",
        [(WEB, URL, "https://api.shop.example")],
        f"{WEB}: value: https://api.shop.example",
        "`api.shop.example` is outside the cluster",
    ),
    "https of a plain port": (
        "addresses",
        [(WEB, "value: http://", "value: https://")],
        f"{WEB}: - name: API_URL",
        "which is plain http",
    ),
    "a Service that leads back": (
        "addresses",
        [(WEB, URL, 'http://{{ include "shop.name" (dict "root" . "part" "web") }}')],
        f"{VALUES}: repository: shop-web",
        "leads back to Deployment shop-web itself",
    ),
    "a server bound to localhost by the chart": (
        "listening",
        [
            (
                WEB,
                "          env:\n",
                "          env:\n            - {name: HOSTNAME, value: localhost}\n",
            )
        ],
        f"{WEB}: -",
        "the chart sets HOSTNAME to localhost",
    ),
    "no readiness": (
        "probes",
        [(API, READY, "#")],
        f"{API}: containers:",
        "there is none",
    ),
    "a probe of another port": (
        "probes",
        [(API, LIVE, LIVE.replace("http}", "8080}"))],
        f"{API}: httpGet:",
        "it asks 8080",
    ),
    "a probe of a path that nobody answers": (
        "probe paths",
        [(API, LIVE, LIVE.replace("/health", "/healthz"))],
        f"{API}: httpGet:",
        "nothing in api answers /healthz; there is /health, /ready",
    ),
    "a start that takes too long": (
        "probe times",
        [(API, STARTUP, ""), (API, LIVE, LIVE + "\n            periodSeconds: 5")],
        f"{API}: livenessProbe:",
        "it kills 15 s after the start",
    ),
    "a probe without patience": (
        "probe times",
        [(API, LIVE, LIVE + "\n            failureThreshold: 1")],
        f"{API}: livenessProbe:",
        "1 slow answer(s) within 10 s",
    ),
    "liveness on the database": (
        "liveness",
        [(API, LIVE, LIVE.replace("/health", "/ready"))],
        f"{API}: livenessProbe:",
        "it asks /ready, the path of readiness",
    ),
    "readiness without the database": (
        "liveness",
        [(API, READY, READY.replace("/ready", "/health"))],
        "api/main.py: @app.get(",
        "the same answer whatever the database does",
    ),
    "no limit": (
        "resources",
        [(VALUES, "limits: {cpu: 100m, memory: 128Mi}", "limits: {cpu: 100m}")],
        f"{VALUES}: limits:",
        "resources.limits has none",
    ),
    "another limit than described": (
        "resources",
        [(VALUES, "limits: {cpu: 100m, memory: 128Mi}", "limits: {cpu: 100m, memory: 96Mi}")],
        f"{VALUES}: limits:",
        "it is 96Mi",
    ),
    "a request above the limit": (
        "resources",
        [(VALUES, "requests: {cpu: 50m", "requests: {cpu: 200m")],
        f"{VALUES}: requests:",
        "200m asked for, 100m allowed",
    ),
    "no place to write": (
        "writable",
        [(WEB, "            - name: cache\n              mountPath: /app/.next/cache\n", "")],
        f"{WEB}: volumeMounts:",
        "Next.js writes to /app/.next/cache",
    ),
    "a node's folder": (
        "security",
        [
            (
                WEB,
                "- name: cache\n          emptyDir: {}",
                "- name: cache\n          hostPath: {path: /etc}",
            )
        ],
        f"{WEB}: hostPath:",
        "it can reach /etc of the node (hostPath)",
    ),
    "a selector that finds nobody": (
        "selectors",
        [(API, 'labels: {{- include "shop.selector" $names | nindent 8 }}', "labels: {a: b}")],
        f"{API}: matchLabels:",
        "the pods have other labels",
    ),
    "a selector that finds two": (
        "selectors",
        [(HELPERS, "app.kubernetes.io/component: {{ .part }}", "app.kubernetes.io/part-of: shop")],
        f"{API}: matchLabels:",
        "matches the pods of Deployment shop-web too",
    ),
    "a selector with a version": (
        "selectors",
        [(HELPERS, ": {{ .part }}", ": {{ .part }}\nversion: {{ .root.Chart.Version }}")],
        f"{API}: matchLabels:",
        "its selector holds a version: version=1.2.3",
    ),
    "a hook that is taken for the api": (
        "selectors",
        [
            ("chart/templates/hook.yaml", "", HOOK),
            (
                "chart/templates/hook.yaml",
                "    spec: {containers: []}",
                '    metadata:\n      labels: {{- include "shop.selector"'
                ' (dict "root" . "part" "api") | nindent 8 }}\n    spec: {containers: []}',
            ),
        ],
        "chart/templates/hook.yaml: labels:",
        "matches it too",
    ),
    "all pods at once": (
        "rollout",
        [(API, "    rollingUpdate:\n      maxUnavailable: 0", "    type: Recreate")],
        f"{API}: type: Recreate",
        "its strategy is Recreate",
    ),
    "one pod of which one may be away": (
        "rollout",
        [(API, "maxUnavailable: 0", "maxUnavailable: 1")],
        f"{API}: maxUnavailable: 1",
        "all 1 pods may be away at once",
    ),
    "no time to end": (
        "rollout",
        [
            (
                API,
                "      initContainers:",
                "      terminationGracePeriodSeconds: 1\n      initContainers:",
            )
        ],
        f"{API}: terminationGracePeriodSeconds: 1",
        "killed 1 s after",
    ),
    "no migration": (
        "before",
        [(API, "command: [python, migrate.py]", "command: [python, main.py]")],
        f"{API}: initContainers:",
        "a fresh database stays empty",
    ),
    "a Service that leads nowhere": (
        "services",
        [
            (
                API,
                "spec:\n  type: ClusterIP\n  selector:",
                "spec:\n  type: ClusterIP\n  selector:\n    a: b\n  x:",
            )
        ],
        f"{API}: selector:",
        "matches none",
    ),
    "a target that is no port": (
        "services",
        [(API, "targetPort: http", "targetPort: web")],
        f"{API}: targetPort: web",
        "targetPort web is none of them: http (8000)",
    ),
    "an api that is open": (
        "roles",
        [(API, "type: ClusterIP", "type: LoadBalancer")],
        f"{API}: type: LoadBalancer",
        "Service shop-api is of type LoadBalancer",
    ),
    "a program that is not told its port": (
        "roles",
        [
            (
                API,
                "            - name: PORT\n              value: {{ .Values.api.port | quote }}\n",
                "",
            )
        ],
        f"{API}: containerPort:",
        "containerPort is a value, but PORT is not set from it",
    ),
    "more pods than described": (
        "roles",
        [(VALUES, "replicas: 1", "replicas: 3")],
        f"{API}: replicas:",
        "Deployment shop-api has replicas: 3",
    ),
    "a secret in a ConfigMap": (
        "secrets kept",
        [(CONFIG, "  GREETING:", "  KEY: {{ .Values.secrets.shop }}\n  GREETING:")],
        f"{CONFIG}: KEY:",
        "ConfigMap shop-config holds this secret in KEY",
    ),
    "a secret as it is": (
        "secrets encoded",
        [
            (
                CONFIG,
                '{{ required "secrets.shop must be set" .Values.secrets.shop | b64enc }}',
                '{{ required "secrets.shop must be set" .Values.secrets.shop }}',
            )
        ],
        f"{CONFIG}: SHOP_SECRET:",
        "as it is",
    ),
    "a key that nobody uses": (
        "secrets used",
        [(CONFIG, "  GREETING:", "  FAREWELL: Bye\n  GREETING:")],
        f"{CONFIG}: FAREWELL: Bye",
        "no container reads FAREWELL",
    ),
    "a secret that nobody misses": (
        "secrets wanted",
        [(CONFIG, 'required "secrets.shop must be set" ', 'default "x" ')],
        f"{VALUES}: shop:",
        "it renders all the same",
    ),
    "a refusal that names nothing": (
        "secrets wanted",
        [(CONFIG, "secrets.shop must be set", "something is missing")],
        f"{VALUES}: shop:",
        "refused without naming secrets.shop",
    ),
    "a change that does not arrive": (
        "changes arrive",
        [(API, "checksum/secret: {{ toJson .Values.secrets | sha256sum }}", "a: b")],
        f"{API}: annotations:",
        "they go on with the old value",
    ),
    "a configuration that does not arrive": (
        "changes arrive",
        [(API, "checksum/config: {{ toJson .Values.config | sha256sum }}", "a: b")],
        f"{API}: annotations:",
        "their template stays the same with another GREETING: they go on with the old value",
    ),
    "a random value": (
        "stable",
        [(CONFIG, "  GREETING:", "  NUMBER: {{ randNumeric 4 }}\n  GREETING:")],
        f"{CONFIG}: NUMBER:",
        "`randNumeric` gives another result each time",
    ),
    "an Ingress that rewrites": (
        "ingress",
        [
            (
                INGRESS,
                "spec:\n",
                "  annotations:\n    nginx.ingress.kubernetes.io/rewrite-target: /\nspec:\n",
            )
        ],
        f"{INGRESS}: nginx.ingress.kubernetes.io/rewrite-target: /",
        "by its rewrite every path becomes /",
    ),
    "an Ingress for one path": (
        "ingress",
        [(INGRESS, "pathType: Prefix", "pathType: Exact")],
        f"{INGRESS}: pathType: Exact",
        "nothing leads /api/health there",
    ),
    "an Ingress to the api": (
        "ingress",
        [(INGRESS, '"part" "web"', '"part" "api"')],
        f"{INGRESS}: service:",
        "it opens Service zebra-api to the outside",
    ),
    "a hook that stays": (
        "leftovers",
        [("chart/templates/hook.yaml", "", HOOK)],
        "chart/templates/hook.yaml: helm.sh/hook: post-install",
        "it is a hook (post-install)",
    ),
    "an object that is kept": (
        "leftovers",
        [(INGRESS, "spec:\n", "  annotations:\n    helm.sh/resource-policy: keep\nspec:\n")],
        f"{INGRESS}: helm.sh/resource-policy: keep",
        "its resource policy is `keep`",
    ),
    "a namespace": (
        "leftovers",
        [
            (
                "chart/templates/ns.yaml",
                "",
                "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: market\n",
            )
        ],
        "chart/templates/ns.yaml: kind: Namespace",
        "the chart makes a Namespace",
    ),
    "a value that does nothing": (
        "values used",
        [(API, "{{ .Values.api.replicas }}", "1")],
        f"{VALUES}: replicas: 1",
        "no template that makes an object reads it",
    ),
    "a value that is explained nowhere": (
        "values described",
        [("chart/README.md", "`config.greeting`", "`config.hello`")],
        f"{VALUES}: greeting: Hello",
        "README.md does not name it",
    ),
    "a schema that takes everything": (
        "values checked",
        [("chart/values.schema.json", '"host": {', '"hosts": {')],
        f"{VALUES}: host:",
        "values.schema.json does not describe it",
    ),
    "a given value that does not show": (
        "values given",
        [(WEB, "{{ .Values.web.nodePort }}", "30001")],
        f"{VALUES}: nodePort: null",
        "no rendered object and no variable holds it",
    ),
    "a Secret of the user's that is ignored": (
        "values given",
        [(HELPERS, ".Values.secrets.existingSecret | default", '"" | default')],
        f"{VALUES}: existingSecret:",
        "secrets.existingSecret changes nothing in the variant existing",
    ),
    "a chart of another name": (
        "chart name",
        [("chart/Chart.yaml", "name: shop", "name: store")],
        "chart/Chart.yaml",
        "its name is store",
    ),
    "a key that is called one": (
        "credentials",
        [(VALUES, 'databaseUrl: ""', 'databaseUrl: ""\n  secretKey: f3b1c2d4e5f60718293a4b5c6d7e')],
        f"{VALUES}: secretKey: f3b1",
        "secrets.secretKey has a text, though it is a secret",
    ),
    "a password in values": (
        "credentials",
        [(VALUES, 'databaseUrl: ""', "databaseUrl: postgresql://shop:s3cr3t-w0rd@db/shop")],
        f"{VALUES}: databaseUrl: postgresql://shop:s3cr3t-w0rd@db/sh",
        "a URL with a password",
    ),
    "a key in a template": (
        "credentials",
        [(CONFIG, "  GREETING:", "  API_KEY: abcdef-123456\n  GREETING:")],
        f"{CONFIG}: API_KEY: abcdef-123456",
        "API_KEY has a text, though it is a secret",
    ),
}


@pytest.mark.parametrize(("check", "edits", "place", "seen"), BROKEN.values(), ids=list(BROKEN))
def test_what_is_broken_is_found_where_it_is(
    shop: Shop, check: str, edits: list[Edit], place: str, seen: str
) -> None:
    shop.edit(*edits)
    shop.shows(check, place, seen)


SECURITY = {
    "runAsNonRoot: true": "it may run as root",
    "allowPrivilegeEscalation: false": "its process can gain privileges",
    "readOnlyRootFilesystem: true": "its root file system can be written",
    "capabilities:\n    drop: [ALL]": "it keeps capabilities",
    "seccompProfile:\n    type: RuntimeDefault": "its system calls are not filtered",
    "automountServiceAccountToken: false": "it is given a token of the cluster's API",
}


@pytest.mark.parametrize(
    ("line", "seen"), SECURITY.items(), ids=[s.split(":")[0] for s in SECURITY]
)
def test_each_privilege_that_is_left(shop: Shop, line: str, seen: str) -> None:
    shop.edit((HELPERS, line, ""))
    found = shop.judged("security").findings
    assert {f.seen.rpartition(" (")[0] for f in found} == {seen}
    assert len(found) == 3  # one for each container, not for each rendering


def test_an_amount_may_be_a_number(shop: Shop) -> None:
    shop.edit((VALUES, "limits: {cpu: 100m", "limits: {cpu: 1"))
    shop.edit(("chart/values.schema.json", '"type": "string"', '"type": ["string", "integer"]'))
    judgement = shop.judged("fields")
    assert judgement.examined
    assert not judgement.findings


def test_a_variant_may_have_other_amounts_and_excuses_no_more(shop: Shop) -> None:
    roomy = '[variants.roomy]\n"resources.limits.cpu" = "2"\n\n'
    shop.edit(("deploy.toml", "[values]", f"{roomy}[values]"))
    judgement = shop.judged("resources")
    assert judgement.examined
    assert not judgement.findings
    shop.edit((VALUES, "limits: {cpu: 100m", "limits: {cpu: 150m"))
    seen = {finding.seen.partition(" ")[2] for finding in shop.judged("resources").findings}
    assert seen == {"is 150m"}
