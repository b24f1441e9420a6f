import type { Random } from '#telemetry';
import type { Message, MessageAlert } from '../../../src/notification/message.ts';

/** Values that try to leave where they stand. */
const HOSTILE_TEXTS = [
  'plain',
  '',
  ' ',
  '<b>bold</b>',
  '"><script>alert(1)</script>',
  "' onclick='alert(1)",
  '" onmouseover="alert(1)',
  'javascript:alert(1)',
  ' JaVaScRiPt:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'https://example.com/a?b=c&d=e#f',
  '//example.com/x',
  '/path with space/ä?q=ö&x=%20%zz',
  'mailto:someone@example.com',
  '</style><script>alert(1)</script>',
  '</title></textarea></script>',
  'red; background: url(javascript:alert(1))',
  'expression(alert(1))',
  '#ff0000',
  '12px',
  '\\"); alert(1); //',
  "'; alert(1); '",
  '${alert(1)}',
  '`alert(1)`',
  '<!-- comment -->',
  '-->',
  ']]>',
  '&lt;already&gt; &amp; &#34;',
  'a+b=c',
  'ünïcödé 😀 日本',
  'line\nbreak\ttab\r',
  '\u0000nul',
  '\u2028separator\u2029',
  '{{ .ExternalURL }}',
  'x y="z"',
  'onload',
  'src',
  'http://[::1]/a,b 2x, javascript:alert(1) 1x',
] as const;

const LABELS = ['alertname', 'severity', 'instance', 'job', 'zone', 'a', 'B'] as const;

/** Messages and templates from a seed. */
export class TemplateGenerator {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  message(): Message {
    const alerts = Array.from({ length: 1 + this.#below(4) }, () => this.#alert());
    const [first] = alerts;
    const kept = Object.entries(first?.labels ?? {}).filter(([name, value]) =>
      alerts.every(({ labels }) => labels[name] === value),
    );
    return {
      notificationId: 'ntf',
      groupKey: '{}:{}',
      receiver: 'team',
      reason: 'first_notification',
      groupLabels: Object.fromEntries(kept),
      routeLabels: {},
      receiverLabels: {},
      alerts,
      truncatedAlerts: 0,
      acknowledgeAll: null,
      externalUrl: 'https://omoi.example/base',
      atMs: Date.UTC(2026, 10, 30, 12),
      traceparent: null,
      note: null,
    };
  }

  #alert(): MessageAlert {
    const startsAtMs = Date.UTC(2026, 10, 30, 10) + this.#below(3_600_000);
    const isFiring = this.#random.next() < 0.6;
    return {
      alertId: 'alrt',
      fingerprint: '00c0ffee00c0ffee',
      labels: this.#texts(),
      annotations: this.#texts(),
      startsAtMs,
      endsAtMs: isFiring ? null : startsAtMs + this.#below(600_000),
      generatorUrl: this.pick(HOSTILE_TEXTS),
      acknowledgedBy: null,
      traceparent: null,
      status: isFiring ? 'firing' : 'resolved',
      links: { alert: '', acknowledge: '', silence: '', trace: null },
      remediation: null,
    };
  }

  #texts(): Record<string, string> {
    const names = LABELS.filter(() => this.#random.next() < 0.7);
    return Object.fromEntries(names.map((name) => [name, this.pick(HOSTILE_TEXTS)]));
  }

  /** A template of texts: conditions, loops, calls. */
  text(depth = 3): string {
    return Array.from({ length: 1 + this.#below(4) }, () => this.#part(depth)).join('');
  }

  #part(depth: number): string {
    const inner = (): string => this.text(depth - 1);
    if (depth === 0) return this.#action();
    switch (this.#below(10)) {
      case 0:
        return `{{ if ${this.#value()} }}${inner()}{{ else }}${inner()}{{ end }}`;
      case 1:
        return `{{ with ${this.#value()} }}${this.#action()}{{ else }}${inner()}{{ end }}`;
      case 2:
        return `{{ range $.Alerts }}{{ .Status }} {{ .Labels.alertname | printf "%q" }} {{ .StartsAt.Format "Mon Jan _2 15:04:05.000 2006" }}{{ end }}`;
      case 3:
        return `{{ range $i, $pair := $.CommonLabels.SortedPairs }}{{ $i }}{{ $pair.Name }}={{ $pair.Value }} {{ else }}none{{ end }}`;
      case 4:
        return `{{ range $name, $value := $.GroupLabels }}{{ $name }}:{{ $value | len }}{{- end -}} `;
      case 5:
        return `{{- with $x := ${this.#value()} -}} {{ print $x 1 2 "a" }} {{- end -}}`;
      case 6:
        return ` text\n\t< & " ' > {{/* comment */}} `;
      default:
        return this.#action();
    }
  }

  #action(): string {
    return `{{ ${this.#value()} }}${this.pick(['', ' ', '\n', ', '])}`;
  }

  #value(): string {
    const text = this.#textValue();
    return this.pick([
      text,
      text,
      `${text} | toUpper`,
      `${text} | toLower`,
      `${text} | printf "%-12s|"`,
      `${text} | html`,
      `${text} | urlquery`,
      `${text} | js`,
      `len ${text}`,
      `reReplaceAll "([a-z]+)[:=]" "<$1>" ${text}`,
      `match "^[a-z]+:" ${text}`,
      `join ", " (stringSlice ${text} "b" ${this.#textValue()})`,
      `$.GroupLabels.Names | join "-"`,
      `$.CommonLabels.Values`,
      `$.CommonAnnotations.SortedPairs.Values | join " "`,
      `($.CommonLabels.Remove (stringSlice "alertname" "job")).Names`,
      `len $.Alerts.Firing`,
      `index (index $.Alerts 0).Labels "severity"`,
      `eq ${text} ${this.#textValue()}`,
      `lt ${text} ${this.#textValue()}`,
      `and ${text} ${this.#textValue()}`,
      `or ${text} ${this.#textValue()}`,
      `not ${text}`,
      `printf "%v %d %5.2f %t" ${text} 42 3.14159 true`,
      `(index $.Alerts 0).StartsAt.Unix`,
      `slice ${text} 0 0`,
    ]);
  }

  #textValue(): string {
    return this.pick([
      '$.Status',
      '$.ExternalURL',
      '$.Receiver',
      '$.CommonLabels.alertname',
      '$.CommonLabels.severity',
      '$.CommonAnnotations.instance',
      '$.GroupLabels.job',
      '$.GroupLabels.missing',
      '(index $.Alerts 0).GeneratorURL',
      '(index $.Alerts 0).Labels.zone',
      '"a<b>\\"c\\""',
      '`raw & "quoted"`',
    ]);
  }

  /** A piece of a page that ends where it began, with values in it. */
  page(): string {
    return Array.from({ length: 1 + this.#below(4) }, () => this.#piece()).join('\n');
  }

  #piece(): string {
    const value = this.#random.next() < 0.1 ? (): string => this.#wrapped() : (): string => this.#htmlValue();
    return this.pick(PIECES)
      .replace(/@/g, value)
      .replace(/¤/g, () => `{{ reReplaceAll "[<>]" "" ${this.#textValue()} }}`)
      .replace(/§/g, () => `{{ print "v" ${this.#textValue()} }}`);
  }

  /** The same value by a way around it. */
  #wrapped(): string {
    const value = this.#htmlValue();
    return this.pick([
      `{{ if $.Status }}${value}{{ else }}${value}{{ end }}`,
      `{{ with $.Status }}${value}{{ end }}`,
    ]);
  }

  #htmlValue(): string {
    const text = this.#textValue();
    return `{{ ${this.pick([text, text, text, text, `${text} | safeHtml`, `${text} | html`, `${text} | urlquery`, '42', '3.5', 'true', '$.GroupLabels.Names', `print ${text} 1 2`, `html ${text} "<"`])} }}`;
  }

  #below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }

  pick<Value>(values: readonly Value[]): Value {
    const picked = values[this.#below(values.length)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  }
}

/**
 * `@` is a value. `§` is one that is not empty, `¤` one without `<`: attributes without quotes and values of styles are
 * stricter than in the Go of amtool, since Go 1.20.4.
 */
const PIECES = [
  '<p>@</p>',
  'a < b @ &amp; @ </p>',
  '<!DOCTYPE html><html lang="@">',
  '<p title="@" class=\'x @ y\'>',
  '<p title=§>',
  '<p title=x§y>',
  '<a href="@">@</a>',
  "<a href='@'>x</a>",
  '<a href=§>x</a>',
  '<a href="https://example.com/@/b?c=@&amp;d=@#@">x</a>',
  '<a href="/@">x</a>',
  '<a href="?q=@">x</a>',
  '<a href="@/path?x=@">x</a>',
  '<img src="@" alt="@" width=§>',
  '<img srcset="@">',
  '<table background="@" bgcolor="@">',
  '<div data-url="@" data-text="@" xlink:href="@" xmlns:x="@">',
  '<p style="color: ¤; width: ¤">',
  '<p style=\'background: url("@")\'>',
  '<p style="background: url(@)">',
  "<p style=\"background: url('/x/@?y=@'); font-family: '@'\">",
  '<style>p { color: ¤; margin: ¤ } /* c */ a { content: "@" }</style>',
  '<style>@import url(@);</style>',
  '<title>@ < x</title>',
  '<textarea rows="2">@</textarea>',
  '<script>var a = @; var b = "@"; var c = \'x@\'; f(@, [@])</script>',
  '<script type="application/ld+json">{"name": "@", "url": @}</script>',
  '<script type="text/template"><b>@</b></script>',
  '<button onclick="go(@, \'@\')">',
  '<!-- @ --><b>@</b>',
  '<p @="x">',
  '<p @>',
  '<p data-@="x">',
  '<br/><hr />@',
  '<input value="@" type="@" checked>',
  '<iframe srcdoc="@"></iframe>',
];
