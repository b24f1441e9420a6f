/*
 * An e-mail without anything that a reader's program would have to fetch. Colours are given for light and dark; programs
 * that know no dark show the light ones. Styles stand in one place: with five hundred alerts, each word counts.
 */
export const EMAIL_TEMPLATES = String.raw`
{{ define "email.default.subject" }}{{ template "__subject" . }}{{ end }}
{{ define "email.default.text" }}{{ template "__subject" . }}

{{ template "__omoi_text" . }}
{{ template "__alertmanagerURL" . }}
{{ end }}

{{ define "__omoi_email_alert" }}<div class="alert {{ .Status }}">
<h3>{{ with .Labels.alertname }}{{ . }}{{ else }}Alert{{ end }}{{ with .Labels.severity }} <span class="severity">{{ . }}</span>{{ end }}</h3>
{{ with .Annotations.summary }}<p>{{ . }}</p>{{ end }}{{ with .Annotations.description }}<p>{{ . }}</p>{{ end }}
<p class="when">{{ template "__omoi_when" . }}</p>
{{ with .Remediation }}<p class="watchdog">Watchdog: {{ . }}</p>{{ end }}{{ with .AcknowledgedBy }}<p class="watchdog">Acknowledged by {{ . }}</p>{{ end }}
<p class="labels">{{ range (.Labels.Remove (stringSlice "alertname" "severity")).SortedPairs }}{{ .Name }}=<b>{{ .Value }}</b> {{ end }}</p>
{{ with .Annotations.Remove (stringSlice "summary" "description") }}<p class="labels">{{ range .SortedPairs }}{{ .Name }}: {{ if match "^https?://[^ ]+$" .Value }}<a href="{{ .Value }}">{{ .Value }}</a>{{ else }}{{ .Value }}{{ end }}<br>{{ end }}</p>{{ end }}
<p class="links">{{ if eq .Status "firing" }}{{ if not .AcknowledgedBy }}{{ with .Links.Acknowledge }}<a href="{{ . }}">Acknowledge</a> {{ end }}{{ end }}{{ with .Links.Silence }}<a href="{{ . }}">Silence</a> {{ end }}{{ end }}{{ with .Links.Alert }}<a href="{{ . }}">Details</a> {{ end }}{{ with .Links.Trace }}<a href="{{ . }}">Trace</a> {{ end }}{{ with .GeneratorURL }}<a href="{{ . }}">Source</a>{{ end }}</p>
</div>
{{ end }}

{{ define "email.default.html" -}}
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>{{ template "__subject" . }}</title>
<style>
:root { color-scheme: light dark; }
body { margin: 0; padding: 16px; background: #f4f5f7; color: #1d2229; font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Arial, sans-serif; }
.page { max-width: 680px; margin: 0 auto; }
h1 { font-size: 20px; line-height: 1.3; margin: 0 0 12px; }
h2 { font-size: 16px; margin: 24px 0 8px; }
h3 { font-size: 16px; margin: 0 0 4px; }
p { margin: 0 0 4px; }
a { color: #0b57c2; }
.alert { background: #ffffff; border: 1px solid #d5d9e0; border-left: 4px solid #c62828; border-radius: 4px; padding: 12px 16px; margin: 0 0 12px; overflow-wrap: anywhere; }
.resolved { border-left-color: #2e7d32; }
.severity, .when, .labels, .foot { color: #5a6270; font-size: 13px; font-weight: normal; }
.note { border: 1px solid #b26a00; border-radius: 4px; padding: 8px 12px; margin: 0 0 12px; }
.links a { margin-right: 12px; }
@media (prefers-color-scheme: dark) {
body { background: #14171c; color: #e6e9ee; }
a { color: #8ab4f8; }
.alert { background: #1d2229; border-color: #39414d; border-left-color: #ef5350; }
.resolved { border-left-color: #66bb6a; }
.severity, .when, .labels, .foot { color: #a9b2bf; }
.note { border-color: #ffb74d; }
}
</style>
</head>
<body>
<div class="page">
<h1>{{ template "__subject" . }}</h1>
{{ with .Note }}<p class="note">{{ . }}</p>{{ end }}
{{ with .Alerts.Firing }}<h2>Firing ({{ len . }})</h2>
{{ with $.AcknowledgeAll }}<p class="links"><a href="{{ . }}">Acknowledge all {{ len $.Alerts.Firing }}</a></p>
{{ end -}}
{{ range . }}{{ template "__omoi_email_alert" . }}{{ end }}{{ end }}
{{ with .Alerts.Resolved }}<h2>Resolved ({{ len . }})</h2>
{{ range . }}{{ template "__omoi_email_alert" . }}{{ end }}{{ end }}
{{ with .TruncatedAlerts }}<p>… and {{ . }} more alerts of this group</p>{{ end }}
<p class="foot"><a href="{{ template "__alertmanagerURL" . }}">All alerts in {{ template "__alertmanager" . }}</a> · sent because: {{ .NotificationReason }}</p>
</div>
</body>
</html>
{{ end }}
`;
