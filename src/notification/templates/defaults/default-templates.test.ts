import { describe, expect, it } from 'vitest';
import { alertWith, messageOf, messageWith, STARTS_AT_MS, templatesOf } from '../message.test-support.ts';

const templates = templatesOf();

/** Of Alertmanager 0.34: people's own templates call them and stand in their place. */
const NAMES_FOR_MESSAGES = `
  __alertmanager __alertmanagerURL __description __subject
  discord.default.content discord.default.message discord.default.title
  email.default.html email.default.subject
  jira.default.description jira.default.priority jira.default.summary
  mattermost.default.color mattermost.default.fallback mattermost.default.text mattermost.default.title
  mattermost.default.titlelink mattermost.default.username
  msteams.default.summary msteams.default.text msteams.default.title msteamsv2.default.text msteamsv2.default.title
  opsgenie.default.description opsgenie.default.message opsgenie.default.source
  pagerduty.default.client pagerduty.default.clientURL pagerduty.default.description
  pushover.default.message pushover.default.title pushover.default.url
  rocketchat.default.alias rocketchat.default.emoji rocketchat.default.iconurl rocketchat.default.text
  rocketchat.default.title rocketchat.default.titlelink
  slack.default.callbackid slack.default.color slack.default.fallback slack.default.footer slack.default.iconemoji
  slack.default.iconurl slack.default.pretext slack.default.text slack.default.title slack.default.titlelink
  slack.default.username
  sns.default.message sns.default.subject telegram.default.message
  victorops.default.entity_display_name victorops.default.monitoring_tool victorops.default.state_message
  webex.default.message
  wechat.default.agent_id wechat.default.message wechat.default.to_party wechat.default.to_tag wechat.default.to_user
`
  .trim()
  .split(/\s+/);
const NAMES_FOR_ALERTS = ['__text_alert_list', '__text_alert_list_markdown', 'pagerduty.default.instances'];

const resolved = alertWith({ alertId: 'alrt_2', endsAtMs: STARTS_AT_MS + 61_000 });
const messages = {
  firing: messageWith({ note: 'this is a test', truncatedAlerts: 3 }),
  resolved: messageWith({ alerts: [resolved], reason: 'all_resolved' }),
  mixed: messageWith({ alerts: [alertWith({ acknowledgedBy: 'ann', remediation: 'restarted' }), resolved] }),
  bare: messageWith({
    alerts: [alertWith({ labels: {}, annotations: {}, generatorUrl: '' })],
    groupLabels: {},
  }),
};
const rendered = (name: string, message = messages.firing): string =>
  templates.text(`{{ template "${name}" . }}`, message);

describe.each(Object.entries(messages))('of a message that is %s', (_, message) => {
  it.each(NAMES_FOR_MESSAGES)('%s can be made as text and as HTML', (name) => {
    expect(rendered(name, message)).not.toContain('<no value>');
    expect(templates.html(`{{ template "${name}" . }}`, message)).not.toContain('ZgotmplZ');
  });

  it.each(NAMES_FOR_ALERTS)('%s can be made of its alerts', (name) => {
    expect(templates.text(`{{ template "${name}" .Alerts }}`, message)).not.toContain('<no value>');
    expect(templates.html(`{{ template "${name}" .Alerts }}`, message)).not.toContain('ZgotmplZ');
  });
});

describe('the subject', () => {
  it.each([
    [messages.firing, '[FIRING:1] ApiErrors instance=db1:9090, job=api (critical)'],
    [messages.resolved, '[RESOLVED] ApiErrors instance=db1:9090, job=api (critical)'],
    [messages.bare, '[FIRING:1] 1 alert'],
    [messageOf(10), '[FIRING:8] ApiErrors job=api, zone=b (critical)'],
    [messageWith({ reason: 'test' }), '[TEST] [FIRING:1] ApiErrors instance=db1:9090, job=api (critical)'],
    [
      messageWith({ reason: 'escalation' }),
      '[ESCALATED] [FIRING:1] ApiErrors instance=db1:9090, job=api (critical)',
    ],
  ])('of case %# is one line that says what and where', (message, expected) => {
    expect(rendered('__subject', message)).toBe(expected);
  });
});

describe('a text', () => {
  it('says what, where, since when, what the watchdog did, and where to answer', () => {
    expect(rendered('opsgenie.default.description', messages.mixed)).toBe(`Firing:
ApiErrors (critical): More than 5 % fail
  where: instance=db1:9090, job=api
  when: since 2026-11-30 10:00:00 UTC (12m 3s)
  watchdog: restarted
  acknowledged by: ann
  runbook_url: https://example.com/run?a=1&b=2
  source: https://omoi.example/graph?g0.expr=up
  silence: https://omoi.example/alerts/alrt_1/silence
Resolved:
ApiErrors (critical): More than 5 % fail
  where: instance=db1:9090, job=api
  when: from 2026-11-30 10:00:00 UTC to 2026-11-30 10:01:01 UTC (1m 1s)
  runbook_url: https://example.com/run?a=1&b=2
  source: https://omoi.example/graph?g0.expr=up
`);
  });

  it.each([
    [{ severity: 'critical' }, 'High'],
    [{ severity: 'warning' }, 'Medium'],
    [{ severity: 'info' }, 'Low'],
    [{ severity: 'other' }, ''],
  ])('gives Jira for %j the priority %s', (labels, priority) => {
    const info = alertWith({ labels: { severity: 'none' } });
    expect(rendered('jira.default.priority', messageWith({ alerts: [info, alertWith({ labels })] }))).toBe(
      priority,
    );
  });

  it.each(['slack.default.text', 'msteamsv2.default.text', 'mattermost.default.text'])(
    '%s has ten alerts and says how many more there are',
    (name) => {
      const text = rendered(name, messageOf(60));
      expect(text).toMatch(/… and (?:50|38) more/);
      expect(text).toContain('db9:9090');
      expect(text).not.toContain('db50:9090');
    },
  );

  it.each([
    'webex.default.message',
    'mattermost.default.text',
    'rocketchat.default.text',
    'discord.default.message',
    'msteamsv2.default.text',
    'msteamsv2.default.title',
    'jira.default.description',
  ])('%s calls nobody, and opens no link but our own, by what a label says', (name) => {
    const hostile =
      '@channel, @All <@all> <!here> [click](https://evil.example) ![i](https://evil.example) [a]: [b][c]';
    const alerts = [
      alertWith({
        labels: { alertname: hostile, severity: hostile, team: hostile },
        annotations: { summary: hostile, description: hostile },
        acknowledgedBy: hostile,
        remediation: hostile,
        generatorUrl: 'https://p.example/g?e=up(x) [click](https://evil.example)',
      }),
    ];
    const text = rendered(name, messageWith({ alerts, note: hostile }));
    expect(text).toContain('channel');
    expect(text).not.toMatch(/(?<![\w.+-])@(?:here|channel|all|everyone)\b|<[!@]/i);
    const addresses = [...text.matchAll(/\]\(([^)]*)\)/g)].map(([, address = '']) => new URL(address).host);
    expect(new Set(addresses)).not.toContain('evil.example');
    expect(text).not.toMatch(/\][[:]/);
  });

  it('leaves alone what calls nobody', () => {
    const harmless = 'ops@allegro.example <5 % a[0] (b) x@here';
    const message = messageWith({ alerts: [alertWith({ annotations: { summary: harmless } })] });
    expect(rendered('mattermost.default.text', message)).toContain(harmless);
  });

  it('links no page that is none of the web', () => {
    const alerts = [alertWith({ generatorUrl: 'javascript:alert(1)' })];
    expect(rendered('discord.default.message', messageWith({ alerts }))).not.toContain('javascript');
  });

  it('of Slack calls nobody by what a label says', () => {
    const alerts = [
      alertWith({
        labels: { alertname: '<!channel>', team: '<@U123>' },
        annotations: { summary: '<https://evil.example|click> & go' },
        remediation: '<!here>',
      }),
    ];
    const text = rendered('slack.default.text', messageWith({ alerts }));
    expect(text).toContain('&lt;!channel&gt;');
    expect(text).toContain('&lt;https://evil.example|click&gt; &amp; go');
    expect([...text.matchAll(/<([^>|]*)/g)].map(([, target]) => target)).toEqual([
      'https://omoi.example/alerts/alrt_1/ack?t=x',
      'https://omoi.example/alerts/alrt_1/silence',
      'https://omoi.example/alerts/alrt_1',
    ]);
  });
});

describe('the e-mail', () => {
  const html = templates.html(
    '{{ template "email.default.html" . }}',
    messageWith({ alerts: [alertWith({ remediation: 'restarted' }), resolved] }),
  );

  it('asks nobody to acknowledge what somebody has', () => {
    const acknowledged = templates.html('{{ template "email.default.html" . }}', messages.mixed);
    expect(acknowledged).toContain('Acknowledged by ann');
    expect(acknowledged).not.toContain('>Acknowledge<');
  });

  it('fetches nothing, and runs nothing', () => {
    expect(html).not.toMatch(
      /<(?:img|link|script|iframe|object|embed|video|audio|form)\b|url\(|@import|\bsrc=|\bon\w+=/i,
    );
  });

  it('links to where people answer, and says what happened', () => {
    expect([...html.matchAll(/href="([^"]*)">([^<]*)/g)].map(([, address, text]) => [text, address])).toEqual(
      [
        ['https://example.com/run?a=1&amp;b=2', 'https://example.com/run?a=1&amp;b=2'],
        ['Acknowledge', 'https://omoi.example/alerts/alrt_1/ack?t=x'],
        ['Silence', 'https://omoi.example/alerts/alrt_1/silence'],
        ['Details', 'https://omoi.example/alerts/alrt_1'],
        ['Source', 'https://omoi.example/graph?g0.expr=up'],
        ['https://example.com/run?a=1&amp;b=2', 'https://example.com/run?a=1&amp;b=2'],
        ['Details', 'https://omoi.example/alerts/alrt_2'],
        ['Source', 'https://omoi.example/graph?g0.expr=up'],
        ['All alerts in Omoi', 'https://omoi.example/alerts?receiver=team-web'],
      ],
    );
    expect(html).toContain('Watchdog: restarted');
    expect(html).toContain('sent because: first notification');
  });

  const [light = '', dark = ''] = html.split('@media (prefers-color-scheme: dark)');
  it.each([
    ['light', light],
    ['dark', dark],
  ])('can be read in %s: each text has a contrast of 4.5 and more', (_, styles) => {
    const body = /body \{[^}]*background: (#\w{6}); color: (#\w{6})/.exec(styles);
    const card = /\.alert \{[^}]*background: (#\w{6})/.exec(styles)?.[1] ?? '';
    const link = /\ba \{ color: (#\w{6})/.exec(styles)?.[1] ?? '';
    const quiet = /\.foot \{ color: (#\w{6})/.exec(styles)?.[1] ?? '';
    const [, page = '', text = ''] = body ?? [];
    for (const ground of [page, card]) {
      for (const colour of [text, link, quiet]) expect(contrast(colour, ground)).toBeGreaterThanOrEqual(4.5);
    }
  });
});

/** The contrast of two colours by WCAG 2. */
function contrast(left: string, right: string): number {
  const [bright = 0, dim = 0] = [luminance(left), luminance(right)].sort((a, b) => b - a);
  return (bright + 0.05) / (dim + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
