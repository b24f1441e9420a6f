/*
 * The templates that Alertmanager defines for texts, by its names and with its meanings, for people's own templates call
 * and replace them; the words are ours. What begins with `__omoi` is a part of these and may change.
 */

/**
 * A value in a chat's markdown, which opens no link that hides its address and calls nobody: behind what would begin one stands a space
 * of no width (U+200B). Any other value is as it is.
 */
const VALUE = String.raw`
{{ define "__omoi_value" -}}
  {{ . | reReplaceAll "<([a-zA-Z/@!#])" "<\u200b$1" | reReplaceAll "\\]([(:\\[])" "]\u200b$1" | reReplaceAll "(?i)(^|[^0-9a-z_.+-])@(here|channel|all|everyone)\\b" "$1@\u200b$2" }}
{{- end }}
{{ define "__omoi_source_markdown" }}{{ if match "^https?://" . }}[Source]({{ . | reReplaceAll "[(]" "%28" | reReplaceAll "[)]" "%29" | reReplaceAll "[<>\\[\\]\\s]" "" }}){{ end }}{{ end }}
`;

const SUBJECT = String.raw`
{{ define "__alertmanager" }}Omoi{{ end }}
{{ define "__alertmanagerURL" }}{{ .ExternalURL }}/alerts?receiver={{ .Receiver | urlquery }}{{ end }}

{{ define "__subject" -}}
  {{ if eq .NotificationReason "test" }}[TEST] {{ end -}}
  {{ if eq .NotificationReason "nobody has acknowledged in time" }}[ESCALATED] {{ end -}}
  [{{ .Status | toUpper }}{{ if eq .Status "firing" }}:{{ len .Alerts.Firing }}{{ end }}]
  {{- with .CommonLabels.alertname }} {{ template "__omoi_value" . }}{{ else }} {{ len .Alerts }} alert{{ if gt (len .Alerts) 1 }}s{{ end }}{{ end }}
  {{- with .CommonLabels.Remove (stringSlice "alertname" "severity") }} {{ template "__omoi_value" (print .) }}{{ end }}
  {{- with .CommonLabels.severity }} ({{ template "__omoi_value" . }}){{ end }}
{{- end }}
{{ define "__description" }}{{ end }}
`;

/** Lists of alerts: each is called with one. */
const LISTS = String.raw`
{{ define "__omoi_what" -}}
  {{ with .Labels.alertname }}{{ . }}{{ else }}Alert{{ end }}{{ with .Labels.severity }} ({{ . }}){{ end }}
  {{- with .Annotations.summary }}: {{ . }}{{ else with .Annotations.description }}: {{ . }}{{ end }}
{{- end }}
{{ define "__omoi_when" -}}
  {{ if eq .Status "firing" -}}
    since {{ .StartsAt | date "2006-01-02 15:04:05 MST" }} ({{ .StartsAt | since | humanizeDuration }})
  {{- else -}}
    from {{ .StartsAt | date "2006-01-02 15:04:05 MST" }} to {{ .EndsAt | date "2006-01-02 15:04:05 MST" }} ({{ .EndsAt.Sub .StartsAt | humanizeDuration }})
  {{- end }}
{{- end }}

{{ define "__text_alert_list" }}{{ range . }}{{ template "__omoi_what" . }}
{{ with .Labels.Remove (stringSlice "alertname" "severity") }}  where: {{ . }}
{{ end }}  when: {{ template "__omoi_when" . }}
{{ with .Remediation }}  watchdog: {{ . }}
{{ end }}{{ with .AcknowledgedBy }}  acknowledged by: {{ . }}
{{ end }}{{ range (.Annotations.Remove (stringSlice "summary")).SortedPairs }}  {{ .Name }}: {{ .Value }}
{{ end }}{{ with .GeneratorURL }}  source: {{ . }}
{{ end }}{{ if eq .Status "firing" }}{{ if not .AcknowledgedBy }}{{ with .Links.Acknowledge }}  acknowledge: {{ . }}
{{ end }}{{ end }}{{ with .Links.Silence }}  silence: {{ . }}
{{ end }}{{ end }}{{ with .Links.Trace }}  trace: {{ . }}
{{ end }}{{ end }}{{ end }}

{{ define "__text_alert_list_markdown" }}{{ range . }}
**{{ template "__omoi_what_markdown" . }}**
{{ with .Labels.Remove (stringSlice "alertname" "severity") }}
- where: {{ template "__omoi_value" (print .) }}
{{- end }}
- when: {{ template "__omoi_when" . }}
{{- with .Remediation }}
- watchdog: {{ template "__omoi_value" . }}
{{- end }}
{{- with .AcknowledgedBy }}
- acknowledged by: {{ template "__omoi_value" . }}
{{- end }}
{{- range (.Annotations.Remove (stringSlice "summary")).SortedPairs }}
- {{ template "__omoi_value" (print .Name ": " .Value) }}
{{- end }}
{{ template "__omoi_links_markdown" . }}
{{ end }}{{ end }}
{{ define "__omoi_links_markdown" -}}
  {{ if eq .Status "firing" -}}
    {{ if not .AcknowledgedBy }}{{ with .Links.Acknowledge }}[Acknowledge]({{ . }}) {{ end }}{{ end -}}
    {{ with .Links.Silence }}[Silence]({{ . }}) {{ end -}}
  {{ end -}}
  {{ with .Links.Trace }}[Trace]({{ . }}) {{ end -}}
  {{ with .GeneratorURL }}{{ template "__omoi_source_markdown" . }}{{ end }}
{{- end }}
{{ define "__omoi_what_markdown" -}}
  {{ template "__omoi_value" (or .Labels.alertname "Alert") }}{{ with .Labels.severity }} ({{ template "__omoi_value" . }}){{ end }}
  {{- with .Annotations.summary }}: {{ template "__omoi_value" . }}{{ else with .Annotations.description }}: {{ template "__omoi_value" . }}{{ end }}
{{- end }}
`;

/** Of a message whose reader scrolls: the first ten alerts of each kind, and how many more there are. */
const MESSAGES = String.raw`
{{ define "__omoi_note" }}{{ with .Note }}{{ template "__omoi_value" . }}
{{ end }}{{ end }}
{{ define "__omoi_truncated" }}{{ with .TruncatedAlerts }}
… and {{ . }} more alerts of this group
{{ end }}{{ end }}

{{ define "__omoi_text" }}{{ template "__omoi_note" . }}{{ with .AcknowledgeAll }}Acknowledge all {{ len $.Alerts.Firing }}: {{ . }}
{{ end }}{{ with .Alerts.Firing }}Firing:
{{ template "__text_alert_list" . }}{{ end }}{{ with .Alerts.Resolved }}Resolved:
{{ template "__text_alert_list" . }}{{ end }}{{ template "__omoi_truncated" . }}{{ end }}

{{ define "__omoi_first_markdown" -}}
  {{ $most := 10 }}{{ $left := 0 }}
  {{- if gt (len .) $most }}{{ $left = slice . $most }}{{ template "__text_alert_list_markdown" (slice . 0 $most) }}
  {{- else }}{{ template "__text_alert_list_markdown" . }}{{ end }}
  {{- with $left }}
… and {{ len . }} more
{{ end }}
{{- end }}
{{ define "__omoi_markdown" }}{{ template "__omoi_note" . }}{{ with .AcknowledgeAll }}[Acknowledge all {{ len $.Alerts.Firing }}]({{ . }})
{{ end }}{{ with .Alerts.Firing }}
**Firing**
{{ template "__omoi_first_markdown" . }}{{ end }}{{ with .Alerts.Resolved }}
**Resolved**
{{ template "__omoi_first_markdown" . }}{{ end }}{{ template "__omoi_truncated" . }}{{ end }}
`;

/** In Slack's own markup, where a value that holds `<!channel>` would call everybody. */
const SLACK = String.raw`
{{ define "__omoi_slack_value" }}{{ . | reReplaceAll "&" "&amp;" | reReplaceAll "<" "&lt;" | reReplaceAll ">" "&gt;" }}{{ end }}
{{ define "__omoi_slack_alert" -}}
*{{ template "__omoi_slack_value" (or .Labels.alertname "Alert") }}*
{{- with .Labels.severity }} ({{ template "__omoi_slack_value" . }}){{ end }}
{{- with .Annotations.summary }} {{ template "__omoi_slack_value" . }}{{ else with .Annotations.description }} {{ template "__omoi_slack_value" . }}{{ end }}
{{ with .Labels.Remove (stringSlice "alertname" "severity") }}{{ template "__omoi_slack_value" (print .) }}
{{ end }}{{ template "__omoi_when" . }}
{{- with .Remediation }}
Watchdog: {{ template "__omoi_slack_value" . }}{{ end }}
{{- with .AcknowledgedBy }}
Acknowledged by {{ template "__omoi_slack_value" . }}{{ end }}
{{ if eq .Status "firing" }}{{ if not .AcknowledgedBy }}{{ with .Links.Acknowledge }}<{{ . }}|Acknowledge> {{ end }}{{ end }}{{ with .Links.Silence }}<{{ . }}|Silence> {{ end }}{{ end }}
{{- with .Links.Alert }}<{{ . }}|Details>{{ end }}{{ with .Links.Trace }} <{{ . }}|Trace>{{ end }}
{{ end }}

{{ define "slack.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "slack.default.username" }}{{ template "__alertmanager" . }}{{ end }}
{{ define "slack.default.fallback" }}{{ template "slack.default.title" . }} | {{ template "slack.default.titlelink" . }}{{ end }}
{{ define "slack.default.callbackid" }}{{ end }}
{{ define "slack.default.pretext" }}{{ with .Note }}{{ template "__omoi_slack_value" . }}{{ end }}{{ end }}
{{ define "slack.default.titlelink" }}{{ template "__alertmanagerURL" . }}{{ end }}
{{ define "slack.default.iconemoji" }}{{ end }}
{{ define "slack.default.iconurl" }}{{ end }}
{{ define "slack.default.text" -}}
  {{ $most := 10 -}}
  {{ with .AcknowledgeAll }}<{{ . }}|Acknowledge all {{ len $.Alerts.Firing }}>
{{ end -}}
  {{ range $place, $alert := .Alerts }}{{ if eq $place $most }}{{ break }}{{ end }}{{ template "__omoi_slack_alert" $alert }}{{ end -}}
  {{ if gt (len .Alerts) $most }}… and {{ len (slice .Alerts $most) }} more
{{ end }}
  {{- template "__omoi_truncated" . }}
{{- end }}
{{ define "slack.default.footer" }}{{ end }}
{{ define "slack.default.color" }}{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}{{ end }}
`;

const PAGERS = String.raw`
{{ define "pagerduty.default.description" }}{{ template "__subject" . }}{{ end }}
{{ define "pagerduty.default.client" }}{{ template "__alertmanager" . }}{{ end }}
{{ define "pagerduty.default.clientURL" }}{{ template "__alertmanagerURL" . }}{{ end }}
{{ define "pagerduty.default.instances" }}{{ template "__text_alert_list" . }}{{ end }}

{{ define "opsgenie.default.message" }}{{ template "__subject" . }}{{ end }}
{{ define "opsgenie.default.description" }}{{ template "__omoi_text" . }}{{ end }}
{{ define "opsgenie.default.source" }}{{ template "__alertmanagerURL" . }}{{ end }}

{{ define "victorops.default.state_message" }}{{ template "__omoi_text" . }}{{ end }}
{{ define "victorops.default.entity_display_name" }}{{ template "__subject" . }}{{ end }}
{{ define "victorops.default.monitoring_tool" }}{{ template "__alertmanager" . }}{{ end }}

{{ define "pushover.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "pushover.default.message" }}{{ template "__omoi_text" . }}{{ end }}
{{ define "pushover.default.url" }}{{ template "__alertmanagerURL" . }}{{ end }}

{{ define "sns.default.subject" }}{{ template "__subject" . }}{{ end }}
{{ define "sns.default.message" }}{{ template "__omoi_text" . }}{{ end }}

{{ define "jira.default.summary" }}{{ template "__subject" . }}{{ end }}
{{ define "jira.default.description" }}{{ template "__omoi_markdown" . }}{{ end }}
{{ define "__omoi_priority" -}}
  {{ $priority := "" -}}
  {{ range . -}}
    {{ $severity := .Labels.severity -}}
    {{ if eq $severity "critical" }}{{ $priority = "High" }}{{ break }}{{ end -}}
    {{ if or (eq $severity "warning") (eq $severity "error") }}{{ $priority = "Medium" }}{{ end -}}
    {{ if and (eq $severity "info") (eq $priority "") }}{{ $priority = "Low" }}{{ end -}}
  {{ end -}}
  {{ $priority }}
{{- end }}
{{ define "jira.default.priority" -}}
  {{ with .Alerts.Firing }}{{ template "__omoi_priority" . }}{{ else }}{{ template "__omoi_priority" .Alerts.Resolved }}{{ end }}
{{- end }}
`;

const CHATS = String.raw`
{{ define "wechat.default.message" }}{{ template "__subject" . }}
{{ template "__omoi_text" . }}
{{ template "__alertmanagerURL" . }}{{ end }}
{{ define "wechat.default.to_user" }}{{ end }}
{{ define "wechat.default.to_party" }}{{ end }}
{{ define "wechat.default.to_tag" }}{{ end }}
{{ define "wechat.default.agent_id" }}{{ end }}

{{ define "telegram.default.message" }}{{ template "__subject" . }}
{{ template "__omoi_text" . }}{{ end }}

{{ define "discord.default.content" }}{{ end }}
{{ define "discord.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "discord.default.message" }}{{ template "__omoi_markdown" . }}{{ end }}

{{ define "webex.default.message" }}{{ template "__subject" . }}
{{ template "__omoi_markdown" . }}{{ end }}

{{ define "msteams.default.summary" }}{{ template "__subject" . }}{{ end }}
{{ define "msteams.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "msteams.default.text" }}{{ template "__omoi_markdown" . }}{{ end }}

{{ define "msteamsv2.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "msteamsv2.default.text" }}{{ template "__omoi_markdown" . }}{{ end }}

{{ define "rocketchat.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "rocketchat.default.alias" }}{{ template "__alertmanager" . }}{{ end }}
{{ define "rocketchat.default.titlelink" }}{{ template "__alertmanagerURL" . }}{{ end }}
{{ define "rocketchat.default.emoji" }}{{ end }}
{{ define "rocketchat.default.iconurl" }}{{ end }}
{{ define "rocketchat.default.text" }}{{ template "__omoi_markdown" . }}{{ end }}

{{ define "mattermost.default.color" }}{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}{{ end }}
{{ define "mattermost.default.username" }}{{ template "__alertmanager" . }}{{ end }}
{{ define "mattermost.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "mattermost.default.titlelink" }}{{ template "__alertmanagerURL" . }}{{ end }}
{{ define "mattermost.default.fallback" }}{{ template "mattermost.default.title" . }} | {{ template "mattermost.default.titlelink" . }}{{ end }}
{{ define "mattermost.default.text" }}{{ template "__omoi_markdown" . }}{{ end }}
`;

export const TEXT_TEMPLATES = [VALUE, SUBJECT, LISTS, MESSAGES, SLACK, PAGERS, CHATS].join('\n');
