import { createSeededRandom, unpaced } from '#telemetry';
import { describe, expect, it } from 'vitest';
import { createMessageTemplates } from '../../src/notification/templates/create-message-templates.ts';
import { TemplateFailure } from '../../src/notification/templates/message-templates.ts';
import type { Message } from '../../src/notification/message.ts';
import { propertyRuns, propertySeed } from '../property-runs.ts';
import { isAmtoolInstalled, renderByAmtool } from './message-templates/amtool.ts';
import { TemplateGenerator } from './message-templates/random-templates.ts';

/*
 * Templates of messages, random ones and what pages are made of, run here and by a real amtool (0.25, Go 1.19). What is newer
 * than that is held by the unit tests.
 */

const installed = isAmtoolInstalled();
if (!installed && process.env['CI'] === 'true') {
  throw new Error('amtool is missing: apt-get install prometheus-alertmanager');
}

const templates = createMessageTemplates({ files: [] });

function render(text: string, form: 'text' | 'html', message: Message): string | null {
  try {
    return unpaced(templates.expand(text, message, form));
  } catch (thrown) {
    if (thrown instanceof TemplateFailure) return null;
    throw thrown;
  }
}

/** Stands between templates that are run at once: starting amtool for each would take most of the time. */
const BETWEEN = '|=====|';
/** As an action, which `-}}` does not trim. */
const BETWEEN_ACTION = `{{ "${BETWEEN}" }}`;
const LIMIT_MS = 300_000;

/** Runs templates together and, where that fails, each alone. */
function expectSame(texts: readonly string[], form: 'text' | 'html', message: Message): void {
  const all = texts.join(BETWEEN_ACTION);
  const ours = render(all, form, message)?.split(BETWEEN);
  const theirs = renderByAmtool(all, { form, message })?.split(BETWEEN);
  if (ours?.length === texts.length && theirs?.length === texts.length) {
    expect(texts.map((text, place) => [text, ours[place]])).toEqual(
      texts.map((text, place) => [text, theirs[place]]),
    );
    return;
  }
  for (const text of texts) {
    expect([text, render(text, form, message)]).toEqual([text, renderByAmtool(text, { form, message })]);
  }
}

/** What people write, and what is refused. */
const TEXTS: readonly string[] = [
  '{{ title "FOO bar-baz it\'s 1st foo_bar a.b x:y éA 2ND" }}',
  '[{{ .Status | toUpper }}{{ if eq .Status "firing" }}:{{ .Alerts.Firing | len }}{{ end }}]',
  '{{ range .Alerts }}{{ .Labels.alertname }}{{ "\\n" }}{{ end }}',
  '{{ range .Alerts.Resolved }}{{ .EndsAt.Sub .StartsAt }} {{ .EndsAt.After .StartsAt }}{{ end }}',
  '{{ (index .Alerts 0).StartsAt.Format "Jan 02, 2006 at 3:04PM (MST)" }}',
  '{{ (index .Alerts 0).StartsAt.UTC.Weekday }} {{ (index .Alerts 0).EndsAt.IsZero }}',
  '{{ reReplaceAll "(?P<first>[a-z])([a-z]+)" "${2}-${first}" "hello world" }}',
  '{{ with .GroupLabels }}{{ with .Remove (stringSlice "job" "zone") }}{{ .SortedPairs.Values }}{{ end }}{{ end }}',
  '{{ $severity := index .CommonLabels "severity" }}{{ if eq $severity "x" "y" "" }}a{{ else if $severity }}b{{ end }}',
  '{{ define "mine" }}<{{ . }}>{{ end }}{{ template "mine" .Status }}{{ block "other" .Receiver }}{{ . }}{{ end }}',
  '{{ printf "%s|%q|%v|%5d|%-5t|%x" .Status .Status .Status 42 true .Status }}',
  '{{ "a b&c=ü" | urlquery }} {{ "<a href=\'x\'>" | html }} {{ "\'\\"<>&=" | js }}',
  '{{ safeHtml "<b>" }} {{ len (safeHtml "<b>") }} {{ eq (safeHtml "a") "a" }}',
  '{{ .Nope }}',
  '{{ .ExternalURL.Nope }}',
  '{{ .Alerts.Nope }}',
  '{{ toUpper 1 }}',
  '{{ toUpper (safeHtml "a") }}',
  '{{ join "," .Alerts }}',
  '{{ join "," }}',
  '{{ match "(" "a" }}',
  '{{ reReplaceAll "(" "" "a" }}',
  '{{ index .Alerts 99 }}',
  '{{ .CommonLabels.Remove "job" }}',
  '{{ template "none" . }}',
  '{{ nope }}',
  '{{ if }}{{ end }}',
  '{{ end }}',
  '{{ range .Alerts }}',
  '{{ .Status',
  '{{ "a\nb" }}',
  '{{ break }}',
];

const PAGES: readonly string[] = [
  '<a href="{{ if .Status }}/x?{{ end }}{{ .Status }}">',
  '<p {{ if .Status }}title="{{ end }}>',
  '<script>{{ if .Status }}"{{ end }}</script>',
  '<p title="{{ .Status }}',
  '<p title={{ if .Status }}{{ .Status }}{{ end }}>x</p>',
  '{{ range .Alerts }}<p title="{{ end }}',
  '{{ range .Alerts }}<p title="{{ .Status }}">{{ end }}',
  '{{ range .Alerts }}{{ if .Status }}{{ break }}{{ end }}<b>{{ end }}{{ .Status }}',
  '{{ range .Alerts }}<p {{ if .Status }}{{ continue }}{{ end }}>{{ end }}',
  '<p"x={{ .Status }}>',
  '<p title=a"b{{ .Status }}>',
  '<p =x{{ .Status }}>',
  '{{ .Status | html | toUpper }}',
  '<p title={{ .Status | html }}>',
  '{{ template "none" . }}',
  '<p style="content: \'\\{{ .Status }}\'">',
  '{{ define "loop" }}<b>{{ if . }}{{ template "loop" "" }}{{ end }}</b>{{ end }}{{ template "loop" .Status }}',
  '{{ define "cell" }}{{ . }}{{ end }}<a title="{{ template "cell" .Status }}" href="{{ template "cell" .ExternalURL }}?q={{ template "cell" .ExternalURL }}">{{ template "cell" "<" }}</a>',
  '{{ define "open" }}<p title="{{ . }}{{ end }}{{ template "open" .Status }}">x</p>',
  '<{{ .Status }}>',
  '</{{ .Status }}>',
  '<a{{ .Status }}>',
  '{{ "<" }}a href="javascript:x"{{ ">" }}',
  '<a href="javascript:{{ .Status }}">',
  '<a href="  {{ .ExternalURL }}">',
  '<?xml version="1.0"?><![CDATA[{{ .Status }}]]>',
  '<svg:a xlink:href="{{ .ExternalURL }}"/>',
  '<ScRiPt>var x = {{ .Status }}</sCrIpT>{{ "<" }}',
  '<title>{{ "</title>" }}</titles></title>{{ "<" }}',
  '<style>/* {{ .Status }} */ a { color: {{ "red" }} }</style>',
  '<script>// {{ .Status }}\nvar a = {{ .Status }}</script>',
  '<a href=&#34;{{ .Status }}>',
  '<p title="&quot;{{ .Status }}">',
  '<a onclick="x(&#39;{{ "\'" }}&#39;)">',
  '<div style="width:{{ "1px;color:red" }}">{{ "x" }}</div>',
  '<a href="{{ "a b" }}"{{ " x=y" }}>',
  '<a title="{{ safeHtml "<b>x</b> &amp; \\"y\\"" }}">{{ safeHtml "<b>x</b>" }}</a>',
  '<a title={{ safeHtml "<b>x y</b>" }}>',
  '<textarea>{{ safeHtml "<b>&amp;" }}</textarea>',
];

describe.skipIf(!installed)(
  `templates of messages beside amtool, OMOI_SEED=${propertySeed} (skipped without it: apt-get install prometheus-alertmanager)`,
  () => {
    const rounds = propertyRuns(20);
    const generator = new TemplateGenerator(createSeededRandom(propertySeed));

    const message = generator.message();
    it.each(TEXTS)('%s', (text) => {
      expect(render(text, 'text', message)).toEqual(renderByAmtool(text, { form: 'text', message }));
    });

    it.each(PAGES)('%s as a page', (page) => {
      expect(render(page, 'html', message)).toEqual(renderByAmtool(page, { form: 'html', message }));
    });

    it('come out the same as texts', { timeout: LIMIT_MS }, () => {
      for (let round = 0; round < rounds; round++) {
        const texts = Array.from({ length: 20 }, () => generator.text());
        expectSame(texts, 'text', generator.message());
      }
    });

    it('come out the same as pages', { timeout: LIMIT_MS }, () => {
      for (let round = 0; round < rounds; round++) {
        const pages = Array.from({ length: 20 }, () => generator.page());
        expectSame(pages, 'html', generator.message());
      }
    });
  },
);
