{{- define "scoreserve.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "scoreserve.fullname" -}}
{{- $name := include "scoreserve.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{/* As YAML, since a release may be called 007 or true, and labels are texts. */}}
{{- define "scoreserve.selectorLabels" -}}
app.kubernetes.io/name: {{ include "scoreserve.name" . | toYaml }}
app.kubernetes.io/instance: {{ .Release.Name | toYaml }}
{{- end }}

{{- define "scoreserve.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "scoreserve.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* The name and labels of an object; `more`: further labels. */}}
{{- define "scoreserve.metadata" -}}
name: {{ include "scoreserve.fullname" .root }}{{ .suffix | default "" }}
labels:
  {{- include "scoreserve.labels" .root | nindent 2 }}
  {{- with .more }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "scoreserve.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest }}
{{- else -}}
{{- printf "%s:%s" $image.repository (include "scoreserve.text" ($image.tag | default (ternary "gpu" "cpu" (gt (int .Values.gpu.count) 0)))) }}
{{- end -}}
{{- end }}

{{- define "scoreserve.scriptConfigMap" -}}
{{- if .Values.script.files -}}
{{- include "scoreserve.fullname" . }}-script
{{- else -}}
{{- .Values.script.configMap }}
{{- end -}}
{{- end }}

{{- define "scoreserve.apiKeysSecret" -}}
{{- if .Values.apiKeys.values -}}
{{- include "scoreserve.fullname" . }}-api-keys
{{- else -}}
{{- .Values.apiKeys.existingSecret }}
{{- end -}}
{{- end }}

{{- define "scoreserve.scaled" -}}
{{- if or .Values.autoscaling.enabled .Values.keda.enabled }}true{{ end -}}
{{- end }}

{{- define "scoreserve.hasModelVolume" -}}
{{- if has .Values.model.source (list "pvc" "init" "hostPath") }}true{{ end -}}
{{- end }}

{{/* A value as text. Helm reads whole numbers as floats, and would write 20261130 as 2.026113e+07. */}}
{{- define "scoreserve.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}
{{- printf "%.0f" . }}
{{- else -}}
{{- toString . }}
{{- end -}}
{{- end }}

{{/* A map of NAME: value or NAME: {valueFrom: ...} as a container's env. */}}
{{- define "scoreserve.env" -}}
{{- range $name, $value := . }}
- name: {{ toYaml $name }}
{{- if kindIs "map" $value }}
  {{- toYaml $value | nindent 2 }}
{{- else }}
  value: {{ include "scoreserve.text" $value | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* The variables that values of their own stand for, as JSON. */}}
{{- define "scoreserve.serverEnv" -}}
{{- $env := dict
  "AML_APP_ROOT" .Values.appRoot
  "AZUREML_MODEL_DIR" .Values.modelDir
  "WORKER_COUNT" .Values.workers
  "SCORESERVE_MAX_BATCH_SIZE" .Values.batching.maxSize
  "SCORESERVE_BATCH_WAIT_MS" .Values.batching.waitMs
  "SCORESERVE_DRAIN_DELAY_SECONDS" .Values.drain.delaySeconds
  "SCORESERVE_DRAIN_SECONDS" .Values.drain.seconds
-}}
{{- with .Values.entryScript -}}
{{- $_ := set $env "AZUREML_ENTRY_SCRIPT" . -}}
{{- end -}}
{{- if include "scoreserve.apiKeysSecret" . -}}
{{- $_ := set $env "SCORESERVE_API_KEYS_FILE" "/var/run/scoreserve/api-keys/keys" -}}
{{- end -}}
{{- toJson $env -}}
{{- end }}

{{/*
How many threads numeric libraries start in each worker, as JSON. Without a CPU limit the server would
count the node's CPUs; with one it divides that itself.
*/}}
{{- define "scoreserve.threadsEnv" -}}
{{- $cpu := dig "requests" "cpu" "" .Values.resources | toString -}}
{{- if and $cpu (not (dig "limits" "cpu" "" .Values.resources)) -}}
{{- $cpus := ternary (divf (trimSuffix "m" $cpu) 1000) (float64 $cpu) (hasSuffix "m" $cpu) -}}
{{- $threads := max 1 (floor (divf $cpus .Values.workers)) -}}
{{- dict "OMP_NUM_THREADS" $threads "RAYON_NUM_THREADS" $threads "ORT_INTRA_OP_NUM_THREADS" $threads | toJson -}}
{{- else -}}
{}
{{- end -}}
{{- end }}

{{/* When a probe is asked, and how long it may take. */}}
{{- define "scoreserve.probe" -}}
periodSeconds: {{ .periodSeconds }}
timeoutSeconds: {{ .timeoutSeconds }}
failureThreshold: {{ .failureThreshold }}
{{- end }}

{{- define "scoreserve.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Values that contradict each other, each with what to set instead. */}}
{{- define "scoreserve.validate" -}}
{{- $values := .Values -}}
{{- if and $values.autoscaling.enabled $values.keda.enabled -}}
{{- fail "autoscaling.enabled and keda.enabled: KEDA makes an autoscaler of its own. Enable one of the two." -}}
{{- end -}}
{{- if and $values.serviceMonitor.enabled $values.podMonitor.enabled -}}
{{- fail "serviceMonitor.enabled and podMonitor.enabled: every pod would be scraped twice. Enable one of the two." -}}
{{- end -}}
{{- if and $values.apiKeys.existingSecret $values.apiKeys.values -}}
{{- fail "apiKeys.existingSecret and apiKeys.values: set one of the two." -}}
{{- end -}}
{{- if and $values.script.files $values.script.configMap -}}
{{- fail "script.files and script.configMap: set one of the two." -}}
{{- end -}}
{{- range $name, $_ := include "scoreserve.serverEnv" . | fromJson -}}
{{- if hasKey $values.env $name -}}
{{- fail (printf "env.%s: the chart sets this variable from a value of its own. See values.yaml." $name) -}}
{{- end -}}
{{- end -}}
{{- range $label, $_ := include "scoreserve.selectorLabels" . | fromYaml -}}
{{- if hasKey $values.podLabels $label -}}
{{- fail (printf "podLabels.%s: the chart sets this label, by which the pods are found. Leave it out." $label) -}}
{{- end -}}
{{- end -}}
{{- range $scaler := list "autoscaling" "keda" -}}
{{- $scaling := get $values $scaler -}}
{{- if $scaling.enabled -}}
{{- if gt (int $scaling.min) (int $scaling.max) -}}
{{- fail (printf "%s.min is above %s.max." $scaler $scaler) -}}
{{- end -}}
{{- if not (or (gt (int $scaling.cpu) 0) (gt (float64 $scaling.inHandPerPod) 0.0)) -}}
{{- fail (printf "%s: set %s.cpu or %s.inHandPerPod above 0, else there is nothing to scale by." $scaler $scaler $scaler) -}}
{{- end -}}
{{- if and (gt (int $scaling.cpu) 0) (not (dig "requests" "cpu" "" $values.resources)) -}}
{{- fail (printf "%s.cpu is a percentage of resources.requests.cpu, which is not set." $scaler) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $values.keda.enabled (gt (float64 $values.keda.inHandPerPod) 0.0) (not $values.keda.serverAddress) -}}
{{- fail "keda.serverAddress: set the address of Prometheus, such as http://prometheus-operated.monitoring:9090." -}}
{{- end -}}
{{- $missing := dict "pvc" (list "claim" $values.model.pvc.claim) "init" (list "image" $values.model.init.image) "hostPath" (list "path" $values.model.hostPath.path) -}}
{{- with get $missing $values.model.source -}}
{{- if not (index . 1) -}}
{{- fail (printf "model.source is %s: set model.%s.%s." $values.model.source $values.model.source (index . 0)) -}}
{{- end -}}
{{- end -}}
{{- if and $values.httpRoute.enabled (not $values.httpRoute.parentRefs) -}}
{{- fail "httpRoute.parentRefs: name the Gateway, such as [{name: public, namespace: gateways}]." -}}
{{- end -}}
{{- end }}
