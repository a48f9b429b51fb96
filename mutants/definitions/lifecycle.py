"""Defects in how the release lives: upgraded, scaled, uninstalled."""

from __future__ import annotations

from mutants.change import Add, Replace
from mutants.mutant import Mutant

_CHART = "helm/todo-app"
_COMPONENT = f"{_CHART}/templates/_component.tpl"

MUTANTS = (
    Mutant(
        "lifecycle-claim-kept",
        "The claim of the database in the cluster stays behind after uninstalling.",
        (
            Replace(
                f"{_CHART}/templates/postgresql.yaml",
                "kind: PersistentVolumeClaim\nmetadata:\n  name: {{ $fullname }}\n",
                "kind: PersistentVolumeClaim\nmetadata:\n  name: {{ $fullname }}\n"
                "  annotations: {helm.sh/resource-policy: keep}\n",
            ),
        ),
        r"nothing of PersistentVolumeClaim \S+ to stay",
    ),
    Mutant(
        "lifecycle-secret-kept",
        "The Secret stays behind after uninstalling.",
        (
            Replace(
                f"{_CHART}/templates/secret.yaml",
                "type: Opaque\n",
                "  annotations: {helm.sh/resource-policy: keep}\ntype: Opaque\n",
            ),
        ),
        r"nothing of Secret \S+ to stay",
    ),
    Mutant(
        "lifecycle-claim-template",
        "The database's claim belongs to no release, so that none removes it.",
        (
            Replace(
                f"{_CHART}/templates/postgresql.yaml",
                "  serviceName: {{ include",
                "  volumeClaimTemplates:\n"
                "    - metadata: {name: archive}\n"
                "      spec: {accessModes: [ReadWriteOnce],"
                " resources: {requests: {storage: 1Gi}}}\n"
                "  serviceName: {{ include",
            ),
        ),
        r"its volumeClaimTemplates make claims that stay",
    ),
    Mutant(
        "lifecycle-job-left",
        "A hook's Job stays behind after uninstalling.",
        (
            Add(
                f"{_CHART}/templates/hook.yaml",
                "apiVersion: batch/v1\n"
                "kind: Job\n"
                "metadata:\n"
                '  name: {{ include "todo-app.fullname" . }}-check\n'
                '  labels: {{- include "todo-app.labels" (dict "root" . "component" "check")'
                " | nindent 4 }}\n"
                "  annotations: {helm.sh/hook: post-install}\n"
                "spec:\n"
                "  template:\n"
                "    spec:\n"
                '      {{- include "todo-app.podBase" (dict "root" .) | nindent 6 }}\n'
                "      restartPolicy: Never\n"
                '      securityContext: {{- include "todo-app.podSecurity" 10001 | nindent 8 }}\n'
                "      containers:\n"
                "        - name: check\n"
                '          image: "{{ .Values.backend.image.repository }}:'
                '{{ include "todo-app.tag" (dict "root" . "image" .Values.backend.image) }}"\n'
                "          imagePullPolicy: {{ .Values.backend.image.pullPolicy }}\n"
                "          command: [python, --version]\n"
                '          securityContext: {{- include "todo-app.containerSecurity" .'
                " | nindent 12 }}\n"
                "          resources: {{- toYaml .Values.backend.resources | nindent 12 }}\n",
            ),
        ),
        r"nothing of Job \S+-check to stay",
    ),
    Mutant(
        "lifecycle-namespace-made",
        "The chart makes a namespace of its own.",
        (
            Add(
                f"{_CHART}/templates/namespace.yaml",
                "apiVersion: v1\n"
                "kind: Namespace\n"
                "metadata:\n"
                "  name: todo-extra\n"
                '  labels: {{- include "todo-app.labels" (dict "root" . "component" "config")'
                " | nindent 4 }}\n",
            ),
        ),
        r"nothing of Namespace todo-extra to stay",
    ),
    Mutant(
        "lifecycle-fixed-namespace",
        "The Secret is always made in the namespace `default`.",
        (
            Replace(
                f"{_CHART}/templates/secret.yaml",
                "metadata:\n",
                "metadata:\n  namespace: default\n",
            ),
        ),
        r"it is always put into the namespace default|the Secret in the namespace of the release",
    ),
    Mutant(
        "lifecycle-all-pods-at-once",
        "An upgrade ends the old pods before the new ones serve.",
        (
            Replace(
                _COMPONENT,
                "    type: RollingUpdate\n"
                "    rollingUpdate:\n"
                "      maxUnavailable: 0\n"
                "      maxSurge: 1\n",
                "    type: Recreate\n",
            ),
        ),
        r"all pods end before a new one starts",
    ),
    Mutant(
        "lifecycle-no-farewell",
        "A pod that is told to stop serves no longer at once, while requests still come.",
        (
            Replace(
                _COMPONENT,
                "          {{- if $values.preStopSleepSeconds }}\n"
                "          lifecycle:\n"
                "            preStop:\n"
                "              sleep:\n"
                "                seconds: {{ $values.preStopSleepSeconds }}\n"
                "          {{- end }}\n",
                "",
            ),
        ),
        r"preStopSleepSeconds to change something|no preStop",
    ),
    Mutant(
        "lifecycle-changes-by-itself",
        "Installing again with the same values makes new pods each time.",
        (
            Replace(
                _COMPONENT,
                '        {{- include "todo-app.checksums" . | nindent 8 }}\n',
                '        {{- include "todo-app.checksums" . | nindent 8 }}\n'
                "        installed: {{ randAlphaNum 8 | quote }}\n",
            ),
        ),
        r"the same manifests for the same values",
    ),
    Mutant(
        "lifecycle-not-owned",
        "An object lacks the labels of its release, so nobody can tell whose it is.",
        (
            Replace(
                f"{_CHART}/templates/configmap.yaml",
                '  labels: {{- include "todo-app.labels" (dict "root" . "component" "config")'
                " | nindent 4 }}\n",
                "",
            ),
        ),
        r"(?i)label",
    ),
)
