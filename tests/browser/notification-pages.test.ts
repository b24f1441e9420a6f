import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../acceptance/support/until.ts';
import { seriousFindings } from './axe.ts';
import { chromiumForTests } from './chromium.ts';
import { Pages, WITHIN_MS } from './pages.ts';
import { Webhook } from './webhook.ts';

const program = chromiumForTests();

/** Both fire as soon as Omoi has samples of itself, for as long as the tests last; one says that it is critical. */
const RULES = `
groups:
  - name: here
    rules:
      - alert: DiskIsFull
        expr: omoi_sample_clock_lead_seconds > -1000000
        labels: { severity: critical, team: web, disk: a }
        annotations: { summary: 'the disk is full' }
      - alert: DiskIsSlow
        expr: omoi_sample_clock_lead_seconds > -1000000
        labels: { severity: warning, team: web, disk: b }
      - alert: NobodyCares
        expr: omoi_sample_clock_lead_seconds > -1000000
        labels: { severity: info, team: mail }
`;

const routing = (webhook: string): string => `
route:
  receiver: desk
  group_by: ['...']
  group_wait: 0s
  routes:
    - matchers: [team="web", severity="critical"]
      receiver: pager
    - matchers: [team="web"]
      receiver: broken
      continue: true
    - matchers: [team="mail"]
      receiver: nights
      mute_time_intervals: [always]
receivers:
  - name: desk
    webhook_configs: [{ url: '${webhook}/desk' }]
  - name: pager
    webhook_configs: [{ url: '${webhook}/pager' }]
  - name: broken
    webhook_configs: [{ url: '${webhook}/down' }]
  - name: nights
    webhook_configs: [{ url: '${webhook}/nights' }]
time_intervals:
  - { name: always, time_intervals: [{ times: [{ start_time: '00:00', end_time: '24:00' }] }] }
`;

describe.skipIf(program === null)('who is told, on the pages', () => {
  const webhook = new Webhook();
  beforeAll(() => webhook.start());
  afterAll(() => webhook.stop());
  const pages = new Pages(program ?? '', { rules: RULES, routing: () => routing(webhook.url) });

  /** The id of the one alert of a rule, once it fires. */
  const alertOf = (rule: string): Promise<string> =>
    until(
      async () => {
        const { alerts } = await pages.admin.read<{ alerts: { id: string }[] }>(
          `/api/v1/alerts?state=firing&rule_id=here/${rule}`,
        );
        return alerts[0]?.id;
      },
      `${rule} fires`,
      WITHIN_MS,
    );

  it('tells of an alert who was told of it, when and why, and what the receiver said', async () => {
    const { page } = pages;
    await pages.open(`/alerts/${await alertOf('DiskIsFull')}`);
    const told = pages.panel('Who was told, and why');
    await told.getByText('pager was told.', { exact: true }).waitFor();
    const [message] = await told
      .getByRole('list', { name: 'Messages, newest first' })
      .getByRole('listitem')
      .all();
    expect(await message?.innerText()).toMatch(
      /^pager\s+webhook\/0, first notification\s+delivered\s+(now|\d+s ago)\s+.*200/i,
    );
    const why = told.getByRole('list', { name: 'Decisions, oldest first' });
    await why.getByText(/^Route Routed to pager by the route/).waitFor();
    await why.getByText(/^Message Queued: a message to pager\/webhook\/0: first notification\.$/).waitFor();
    await page
      .getByRole('list', { name: 'Timeline, oldest first' })
      .getByText(/^Message to pager by webhook about 1 alert \(first notification\) delivered: .*200/)
      .waitFor();
    expect(
      webhook.messages
        .filter(({ path }) => path === '/pager')
        .map(({ alerts }) => alerts[0]?.labels['alertname']),
    ).toEqual(['DiskIsFull']);
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('tells why nobody was told of one', async () => {
    await pages.open(`/alerts/${await alertOf('NobodyCares')}`);
    await pages
      .panel('Who was told, and why')
      .getByText('Nobody was told: its route is muted within always.', { exact: true })
      .waitFor();
  });

  it('tells of a message that a receiver does not take how often it was tried, and until when it is', async () => {
    await pages.open(`/alerts/${await alertOf('DiskIsSlow')}`);
    const told = pages.panel('Who was told, and why');
    await told
      .getByText(
        /^Nobody has been told yet\. A message to broken\/webhook\/0 waits after \d+ attempts?: .*503/,
      )
      .waitFor();
    await told.getByText(/^tried \d+ times?, (again in \d+s, )?given up in 23h/).waitFor();
  });
});
