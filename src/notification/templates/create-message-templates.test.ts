import { describe, expect, it } from 'vitest';
import { MESSAGE_LIMITS } from './create-message-templates.ts';
import { TemplateFailure } from './message-templates.ts';
import { alertWith, messageOf, messageWith, STARTS_AT_MS, templatesOf } from './message.test-support.ts';

const templates = templatesOf();
const mixed = messageWith({
  alerts: [
    alertWith(),
    alertWith({
      alertId: 'alrt_2',
      labels: { alertname: 'ApiErrors', job: 'api' },
      endsAtMs: STARTS_AT_MS + 1000,
    }),
  ],
});

describe('what a template sees of a message', () => {
  it.each([
    ['{{ .Receiver }} {{ .Status }} {{ .NotificationReason }}', 'team-web firing first notification'],
    ['{{ .ExternalURL }} {{ .GroupLabels }}', 'https://omoi.example job=api'],
    [
      '{{ .CommonLabels }} {{ .CommonLabels.SortedPairs }}',
      'alertname=ApiErrors, job=api alertname=ApiErrors, job=api',
    ],
    ['{{ .CommonLabels.Names }} {{ .CommonLabels.Values.Join "-" }}', '[alertname job] ApiErrors-api'],
    [
      '{{ range .CommonLabels.SortedPairs }}{{ .Name }}:{{ .Value }} {{ end }}',
      'alertname:ApiErrors job:api ',
    ],
    ['{{ (.CommonLabels.Remove .GroupLabels.Names).Names }}', '[alertname]'],
    ['{{ .CommonLabels.SortedPairs.Names | join "," }} {{ .CommonLabels.missing }}|', 'alertname,job |'],
    [
      '{{ len .Alerts }} {{ len .Alerts.Firing }} {{ range .Alerts.Resolved }}{{ .Status }}{{ end }}',
      '2 1 resolved',
    ],
    ['{{ range .Alerts }}{{ .Fingerprint }} {{ end }}', '00c0ffee00c0ffee 00c0ffee00c0ffee '],
    ['{{ (index .Alerts 0).StartsAt }}', '2026-11-30 10:00:00.25 +0000 UTC'],
    [
      '{{ (index .Alerts 0).EndsAt }} {{ (index .Alerts 0).EndsAt.IsZero }}',
      '0001-01-01 00:00:00 +0000 UTC true',
    ],
    ['{{ (index .Alerts 1).EndsAt.Sub (index .Alerts 1).StartsAt }}', '1s'],
    ['{{ (index .Alerts 0).Links.Acknowledge }}', 'https://omoi.example/alerts/alrt_1/ack?t=x'],
    ['{{ with (index .Alerts 0).Links.Trace }}trace{{ else }}none{{ end }}', 'none'],
    ['{{ (index .Alerts 0).Remediation }}|{{ .Note }}|{{ .TruncatedAlerts }}|{{ .ReceiverLabels }}', '||0|'],
  ])('%s → %s', (text, expected) => {
    expect(templates.text(text, mixed)).toBe(expected);
  });

  it('names the link to acknowledge all, in every default text, once', () => {
    const acknowledgeAll = 'https://omoi.example/n/all?a=1';
    const message = { ...messageOf(4), acknowledgeAll };
    for (const name of [
      'email.default.text',
      'telegram.default.message',
      'discord.default.message',
      'msteamsv2.default.text',
      'slack.default.text',
      'opsgenie.default.description',
    ]) {
      const text = templates.text(`{{ template "${name}" . }}`, message);
      expect([name, text.split(acknowledgeAll).length - 1]).toEqual([name, 1]);
      expect(text).toContain('cknowledge all 4');
      expect(templates.text(`{{ template "${name}" . }}`, messageOf(4))).not.toContain('cknowledge all');
    }
    const html = templates.html('{{ template "email.default.html" . }}', message);
    expect(html).toContain('<a href="https://omoi.example/n/all?a=1">Acknowledge all 4</a>');
  });

  it('a label may have any name', () => {
    const labels = JSON.parse('{"__proto__":"p","constructor":"c","Names":"n"}') as Record<string, string>;
    const message = messageWith({ groupLabels: labels, alerts: [alertWith({ labels })] });
    expect(
      templates.text('{{ .GroupLabels.constructor }}{{ index .CommonLabels "__proto__" }}', message),
    ).toBe('cp');
    expect(templates.text('{{ .GroupLabels.toString }}|', message)).toBe('|');
  });

  it('writes a message in JSON as Alertmanager does, without what is its own', () => {
    const message = messageWith({
      receiver: 'a.b',
      alerts: [alertWith({ labels: { b: '<', a: '1' }, annotations: {} })],
    });
    expect(templates.text('{{ toJson . }}', message)).toBe(
      String.raw`{"receiver":"a\\.b","status":"firing","alerts":[{"status":"firing","labels":{"a":"1","b":"\u003c"},` +
        String.raw`"annotations":{},"startsAt":"2026-11-30T10:00:00.25Z","endsAt":"0001-01-01T00:00:00Z",` +
        String.raw`"generatorURL":"https://omoi.example/graph?g0.expr=up","fingerprint":"00c0ffee00c0ffee"}],` +
        String.raw`"notification_reason":"first notification","groupLabels":{"job":"api"},"commonLabels":{"a":"1","b":"\u003c"},` +
        String.raw`"commonAnnotations":{},"routeLabels":{},"externalURL":"https://omoi.example"}`,
    );
  });
});

/** What is newer than the amtool that the conformance test runs against. */
describe("Alertmanager's functions", () => {
  it.each([
    ['{{ "FOO bar-baz" | title }} {{ " a b " | trimSpace }}|', 'Foo Bar-Baz a b|'],
    ['{{ "search?q=test%20foo+%C3%A4" | urlUnescape }}', 'search?q=test foo ä'],
    ['{{ "<b>" | safeHtml }}{{ "javascript:x" | safeUrl }}', '<b>javascript:x'],
    ['{{ "test" | base64encode }} {{ "flush>>" | base64encode }}', 'dGVzdA== Zmx1c2g-Pg=='],
    ['{{ "dGVzdA==" | base64decode }}', 'test'],
    ['{{ dict }} {{ dict "b" 2 "a" 1 }} {{ (dict "a" 1).a }}', 'map[] map[a:1 b:2] 1'],
    ['{{ list }} {{ append (list "a" "b") "c" 4 }}', '[] [a b c 4]'],
    [
      '{{ toJson "<a&b>\u2028" }} {{ toJson 42 }} {{ toJson true }} {{ toJson 1.50 }}',
      String.raw`"\u003ca\u0026b\u003e\u2028" 42 true 1.5`,
    ],
    ['{{ toJson (list "a" nil (dict "k" (list 1))) }}', '["a",null,{"k":[1]}]'],
    [
      '{{ toJson (index .Alerts 0).Labels }}',
      '{"alertname":"ApiErrors","instance":"db1:9090","job":"api","severity":"critical"}',
    ],
    ['{{ (index .Alerts 0).StartsAt | date "2006-01-02T15:04:05Z07:00" }}', '2026-11-30T10:00:00Z'],
    ['{{ (index .Alerts 0).StartsAt | tz "Europe/Paris" }}', '2026-11-30 11:00:00.25 +0100 CET'],
    [
      '{{ toDate "2006-01-02" "2026-07-01" | tz "Europe/Paris" | date "15:04 MST -0700" }}',
      '02:00 CEST +0200',
    ],
    ['{{ toDate "2006-01-02" "2026-07-01" | tz "America/New_York" | date "15:04 MST" }}', '20:00 EDT'],
    ['{{ toDate "2006-01-02" "2026-07-01" | tz "Asia/Kolkata" | date "15:04 MST" }}', '05:30 IST'],
    ['{{ toDate "2006-01-02" "2026-07-01" | tz "Asia/Dubai" | date "15:04 MST -0700" }}', '04:00 +04 +0400'],
    ['{{ toDate "2006-01-02" "2026-07-01" | tz "Asia/Kathmandu" | date "MST" }}', '+0545'],
    ['{{ toDate "2006-01-02" "2026-07-01" | tz "UTC" }}', '2026-07-01 00:00:00 +0000 UTC'],
    [
      '{{ (index .Alerts 0).StartsAt | since }} {{ (index .Alerts 0).StartsAt | since | humanizeDuration }}',
      '12m3s 12m 3s',
    ],
    [
      '{{ humanizeDuration 899.99 }} {{ humanizeDuration "86400" }} {{ humanizeDuration -1 }}',
      '14m 59s 1d 0h 0m 0s -1s',
    ],
    ['{{ now | date "2006-01-02 15:04:05" }}', '2026-11-30 10:12:03'],
    ['{{ toDate "2006-01-02" "2024-03-15" | date "02 Jan 2006" }}', '15 Mar 2024'],
    ['{{ toDate "2006-01-02" "not-a-date" | date "2006" }} {{ (toDate "2006" "x").IsZero }}', '0001 true'],
    [
      '{{ mustToDate "Mon, 02 Jan 2006 15:04:05 MST" "Tue, 03 Mar 2026 04:05:06 UTC" }}',
      '2026-03-03 04:05:06 +0000 UTC',
    ],
    [
      '{{ mustToDate "2006-01-02T15:04:05Z07:00" "2026-03-03T04:05:06.789+02:00" }}',
      '2026-03-03 04:05:06.789 +0200 +0200',
    ],
    ['{{ (mustToDate "Jan _2 3:04PM 06" "Feb  3 4:05PM 99").Unix }}', '918057900'],
    ['{{ routeLabels "none" }}[{{ routeLabels "team" }}]', '[{{ web }}]'],
    ['{{ match "^a.c$" "abc" }} {{ reReplaceAll "b+" "<$0>" "abbc" }}', 'true a<bb>c'],
    ['{{ join "," (stringSlice "a" "b") }} {{ "a" | toUpper }}{{ "B" | toLower }}', 'a,b Ab'],
  ])('%s → %s', (text, expected) => {
    expect(templates.text(text, messageWith({ routeLabels: { team: '{{ web }}' } }))).toBe(expected);
  });

  it.each([
    [
      '{{ tz "Nowhere/Land" now }}',
      'text:1:4: executing "text" at <tz "Nowhere/Land" now>: error calling tz: unknown time zone Nowhere/Land',
    ],
    ['{{ tz "+01:00" now }}', 'unknown time zone +01:00'],
    ['{{ dict "a" }}', 'dict requires an even number of arguments'],
    ['{{ dict 1 "a" }}', 'dict keys must be strings'],
    ['{{ base64decode "not-valid-base64!" }}', 'illegal base64 data at input byte 16'],
    ['{{ urlUnescape "%zz" }}', 'invalid URL escape "%zz"'],
    [
      '{{ mustToDate "2006-01-02" "not-a-date" }}',
      'parsing time "not-a-date" as "2006-01-02": cannot parse "not-a-date" as "2006"',
    ],
    ['{{ mustToDate "2006-01-02" "2026-13-01" }}', 'parsing time "2026-13-01": month out of range'],
    ['{{ mustToDate "2006-01-02" "2026-02-30" }}', 'parsing time "2026-02-30": day out of range'],
    ['{{ mustToDate "2006" "2026x" }}', 'parsing time "2026x": extra text: "x"'],
    ['{{ match "(" "a" }}', 'error calling match'],
    ['{{ humanizeDuration "one" }}', 'parsing "one": invalid syntax'],
    ['{{ date "2006" "now" }}', `can't handle "now" for arg of type time.Time`],
    ['{{ .Nope }}', "can't evaluate field Nope"],
    ['{{ template "none" . }}', 'template "none" not defined'],
    ['{{ if }}', 'text:1:7: missing value for if'],
  ])('%s fails: %s', (text, reason) => {
    expect(() => templates.text(text, messageWith())).toThrow(reason);
    expect(() => templates.text(text, messageWith())).toThrow(TemplateFailure);
  });
});

describe('the templates of a configuration', () => {
  it('stand in the place of earlier ones and of the defaults, but for empty ones', () => {
    const own = templatesOf({
      '/etc/a.tmpl':
        '{{ define "__subject" }}first{{ end }}{{ define "mine" }}{{ template "theirs" . }}{{ end }}outside',
      '/etc/b.tmpl': '{{ define "__subject" }}[{{ .Status }}]{{ end }}{{ define "theirs" }}b{{ end }}',
      '/etc/c.tmpl': '{{ define "__subject" }} {{ end }}',
    });
    const text = (name: string): string => own.text(`{{ template "${name}" . }}`, messageWith());
    expect(text('slack.default.title')).toBe('[firing]');
    expect(own.html('{{ template "email.default.html" . }}', messageWith())).toContain(
      '<title>[firing]</title>',
    );
    expect([text('mine'), text('a.tmpl')]).toEqual(['b', 'outside']);
  });

  it.each([
    [
      { '/etc/a.tmpl': 'x\n{{ define "a" }}{{ nope . }}{{ end }}' },
      '/etc/a.tmpl:2:20: function "nope" not defined',
    ],
    [{ '/etc/a.tmpl': '{{ define "a" }}' }, '/etc/a.tmpl:1:4: unexpected EOF'],
    [
      { '/etc/a.tmpl': '{{ define "a" }}{{ if . }}\n{{ template "b" . }}{{ end }}{{ end }}' },
      '/etc/a.tmpl:2:13: template "b" not defined',
    ],
    [{ '/etc/a.tmpl': '{{ .', '/etc/b.tmpl': '{{ end }}' }, '/etc/b.tmpl:1:4: unexpected {{end}}'],
  ])('%j is refused: %s', (files, problem) => {
    expect(() => templatesOf(files)).toThrow(problem);
    expect(() => templatesOf(files)).toThrow('/etc/a.tmpl:');
  });

  it.each([
    ['{{ template "slack.default.text" . }}', 'text', null],
    ['no template', 'text', null],
    ['{{ template "none" . }}', 'text', 'template: text:1:13: template "none" not defined'],
    [
      '{{ define "a" }}{{ template "none" . }}{{ end }}',
      'text',
      'template: text:1:29: template "none" not defined',
    ],
    ['{{ nope }}', 'text', 'template: text:1:4: function "nope" not defined'],
    ['<a title="{{ .Status }}', 'text', null],
    ['<a title="{{ .Status }}', 'html', expect.stringContaining('the page ends in the middle of')],
    ['{{ template "email.default.html" . }}', 'html', null],
  ] as const)('of %s as %s it is known beforehand: %s', (text, form, problem) => {
    expect(templates.problemOf(text, form)).toEqual(problem);
  });
});

describe('the labels of a route', () => {
  const expand = (routeLabels: Record<string, string>): unknown => ({
    ...templates.routeLabels(messageWith({ routeLabels })),
  });

  it('are templates that may name each other', () => {
    expect(
      expand({
        plain: 'x {}',
        job: '{{ .GroupLabels.job }}',
        both: '{{ routeLabels "job" }}-{{ routeLabels "plain" }}',
        top: '{{ routeLabels "both" }}{{ routeLabels "none" }}',
      }),
    ).toEqual({ plain: 'x {}', job: 'api', both: 'api-x {}', top: 'api-x {}' });
  });

  it.each([
    [{ a: '{{ routeLabels "a" }}' }, 'route label cycle detected: a -> a'],
    [{ a: '{{ routeLabels "b" }}', b: '{{ routeLabels "a" }}' }, 'route label cycle detected: a -> b -> a'],
    [{ a: '{{ .Nope }}' }, "can't evaluate field Nope"],
  ])('%j fails: %s', (labels, reason) => {
    expect(() => expand(labels)).toThrow(reason);
    expect(() => expand(labels)).toThrow(TemplateFailure);
  });
});

describe('what a template may take', () => {
  it.each([
    [
      '{{ define "t" }}{{ template "t" . }}{{ end }}{{ template "t" . }}',
      'exceeded maximum template depth (100)',
    ],
    ['{{ range 200000 }}0123456789{{ end }}', 'the text exceeds 1048576 characters'],
    ['{{ range 1000000000 }}{{ end }}', 'exceeded 500000 steps'],
    ['{{ $x := "ab" }}{{ range 60 }}{{ $x = print $x $x }}{{ end }}', 'the text exceeds 1048576 characters'],
    [
      '{{ $l := list 1 }}{{ range 60 }}{{ $l = list $l $l }}{{ end }}{{ toJson $l }}',
      'the text exceeds 1048576 characters',
    ],
    [
      '{{ $l := list 1 }}{{ range 60 }}{{ $l = list $l $l }}{{ end }}{{ $l }}',
      'the text exceeds 1048576 characters',
    ],
    [
      '{{ $j := printf "%100000d" 1 }}{{ range 1000 }}{{ $x := toUpper $j }}{{ end }}',
      'exceeded 500000 steps',
    ],
    [
      '{{ $j := printf "%10000d" 1 }}{{ range 1000 }}{{ $x := match "[a-z]{50}(b|c)*[0-9]x" $j }}{{ end }}',
      'regular expressions exceeded 100000000 steps',
    ],
    [
      '{{ range $i := 5000 }}{{ $x := match (printf "a{1000}%d" $i) "a" }}{{ end }}',
      'regular expressions exceeded 100000000 steps',
    ],
    ['{{ $l := list 1 }}{{ range 200 }}{{ $l = list $l }}{{ end }}{{ toJson $l }}', 'nested too deeply'],
  ])('%s fails in either form: %s', (text, reason) => {
    expect(() => templates.text(text, messageWith())).toThrow(reason);
    expect(() => templates.html(text, messageWith())).toThrow(reason);
  });

  it('is enough for 500 alerts, whole and in JSON', () => {
    const message = messageOf(500);
    expect(templates.text('{{ toJson . }}', message).length).toBeLessThan(MESSAGE_LIMITS.maxCharacters);
    expect(templates.text('{{ template "__text_alert_list" .Alerts }}', message)).toContain('db499:9090');
    expect(templates.html('{{ template "email.default.html" . }}', message)).toContain('db499:9090');
  });
});
