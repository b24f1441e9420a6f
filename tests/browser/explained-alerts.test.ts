import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../acceptance/support/until.ts';
import { seriousFindings } from './axe.ts';
import { chromiumForTests } from './chromium.ts';
import { Pages, WITHIN_MS } from './pages.ts';
import { PHONE, DESKTOP } from './visits.ts';
import { Webhook } from './webhook.ts';

const program = chromiumForTests();

/** So many integrations of one receiver decide each time, so that an alert soon has more decisions than are shown. */
const INTEGRATIONS = 20;
/** How many decisions about an alert are shown, the newest, and before them of each kind the first. */
const SHOWN_DECISIONS = 500;

const RULES = `
groups:
  - name: here
    rules:
      - { alert: Repeated, expr: repeated > 0, labels: { severity: warning } }
      - { alert: Refused, expr: omoi_sample_clock_lead_seconds > -1000000, labels: { severity: critical } }
      - alert: Waiting
        expr: omoi_sample_clock_lead_seconds > -1000000
        labels: { severity: warning }
        annotations:
          summary: 'it waits'
          description: >-
            What is to be known of it takes more room than there is beside what can be done about it, which is why its
            lines are broken, and why the buttons stand at the end of the first line, and not below the last one.
      - { alert: CameAndWent, expr: came > 0, labels: { severity: error } }
`;

const routing = (webhook: string): string => `
route:
  receiver: desk
  group_by: ['...']
  group_wait: 0s
  routes:
    - { matchers: [alertname="Repeated"], receiver: many, group_interval: 20ms, repeat_interval: 20ms }
    - { matchers: [alertname="Refused"], receiver: archived, group_interval: 1h, continue: true }
    - { matchers: [alertname="Refused"], receiver: down }
    - { matchers: [alertname="Waiting"], receiver: desk, group_wait: 1h }
    - { matchers: [alertname="CameAndWent"], receiver: pager, group_wait: 2s, group_interval: 1h }
receivers:
  - { name: desk, webhook_configs: [{ url: '${webhook}/desk' }] }
  - { name: archived, webhook_configs: [{ url: '${webhook}/refuses' }] }
  - { name: down, webhook_configs: [{ url: '${webhook}/down' }] }
  - { name: pager, pagerduty_configs: [{ url: '${webhook}/pager', routing_key: key }] }
  - name: many
    webhook_configs:
${`      - { url: '${webhook}/many' }\n`.repeat(INTEGRATIONS)}`;

describe.skipIf(program === null)('the explanation of an alert', () => {
  const webhook = new Webhook();
  beforeAll(() => webhook.start());
  afterAll(() => webhook.stop());
  const pages = new Pages(program ?? '', { rules: RULES, routing: () => routing(webhook.url) });

  const measure = async (name: string, asInt: number): Promise<void> => {
    const dataPoints = [{ timeUnixNano: `${Date.now()}000000`, asInt }];
    const metrics = [{ name, gauge: { dataPoints } }];
    const body = { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] };
    await pages.admin.read('/v1/metrics', { method: 'POST', body });
  };
  /** The id of the newest alert of a rule, once it is so. */
  const alertOf = (rule: string, state: 'firing' | 'resolved' = 'firing'): Promise<string> =>
    until(
      async () => {
        const asked = `/api/v1/alerts?state=${state}&rule_id=here/${rule}`;
        return (await pages.admin.read<{ alerts: { id: string }[] }>(asked)).alerts[0]?.id;
      },
      `${rule} is ${state}`,
      WITHIN_MS,
    );
  const told = () => pages.panel('Who was told, and why');

  it('says how much of a long one is not shown, there and in the timeline', async () => {
    await measure('repeated', 1);
    const id = await alertOf('Repeated');
    const asked = `/api/v1/alerts/${id}/explain`;
    const leftOut = async () =>
      (await pages.admin.read<{ left_out: { decisions: number; messages: number } }>(asked)).left_out;
    await until(
      async () => (await leftOut()).messages > 0,
      'more was decided about it than is shown',
      WITHIN_MS,
    );
    await measure('repeated', 0);
    await alertOf('Repeated', 'resolved');
    const before = await leftOut();
    await pages.open(`/alerts/${id}`);
    const said = await told()
      .getByText(/^[\d,]+ decisions and [\d,]+ messages between the first and the newest are not shown\.$/)
      .innerText();
    const after = await leftOut();
    const [decisions = 0, messages = 0] = [...said.matchAll(/[\d,]+/g)].map(([text]) =>
      Number(text.replaceAll(',', '')),
    );
    expect(decisions).toBeGreaterThanOrEqual(before.decisions);
    expect(decisions).toBeLessThanOrEqual(after.decisions);
    expect(messages).toBeGreaterThanOrEqual(before.messages);
    expect(messages).toBeLessThanOrEqual(after.messages);
    const shown = await told()
      .getByRole('list', { name: 'Decisions, oldest first' })
      .getByRole('listitem')
      .count();
    expect(shown).toBeGreaterThan(SHOWN_DECISIONS);
    expect(shown).toBeLessThanOrEqual(SHOWN_DECISIONS + 3 * INTEGRATIONS + 2);
    await pages
      .panel('Timeline')
      .getByText(/^[\d,]+ messages between the first and the newest are not shown\.$/)
      .waitFor();
    expect(await seriousFindings(pages.page)).toEqual([]);
  });

  it('says for what an alert waits, and what the answer of a receiver was that refuses it', async () => {
    const { page } = pages;
    await pages.open(`/alerts/${await alertOf('Waiting')}`);
    await told()
      .getByText(/^desk waits until \d\d:\d\d:\d\d for group_wait of 1h$/)
      .waitFor();
    await told()
      .getByText('Nobody has been told yet: its group waits for what else may come.', { exact: true })
      .waitFor();
    const story = await page.getByText('What is to be known of it takes more room').boundingBox();
    const orders = await page.getByRole('group', { name: 'Orders about Waiting' }).boundingBox();
    if (story === null || orders === null) throw new Error('both are shown');
    expect(orders.x).toBeGreaterThanOrEqual(story.x + story.width);
    expect(orders.x + orders.width).toBeGreaterThan(DESKTOP.width - 60);

    await pages.open(`/alerts/${await alertOf('Refused')}`);
    await told()
      .getByText(
        /^Nobody has been told yet\. A message to down\/webhook\/0 waits after \d+ attempts?: .*503.* archived\/webhook\/0 did not take its message: HTTP 400: the channel #ops is archived\.$/,
      )
      .waitFor();
    await told()
      .getByText(/^archived waits until .* for group_interval of 1h$/)
      .waitFor();
    await pages.open('/alerts/routes');
    await pages
      .panel('Receivers')
      .getByText(
        /archived\/webhook\/0 refuses all since \d\d:\d\d:\d\d: HTTP 400: the channel #ops is archived/,
      )
      .waitFor();
    await pages.panel('Receivers').getByRole('button', { name: 'Test archived' }).click();
    await pages.panel('Receivers').getByText('Test failed: HTTP 400: the channel #ops is archived').waitFor();
    const { results } = await pages.admin.read<{ results: unknown }>(
      '/api/v1/alerts/receivers/archived/test',
      {
        method: 'POST',
      },
    );
    expect(results).toEqual([
      {
        integration: 'archived/webhook/0',
        outcome: 'failed',
        failure: 'clientError',
        answer: 'HTTP 400: the channel #ops is archived',
      },
    ]);
    await page.setViewportSize(PHONE);
    try {
      await pages.open(`/alerts/${await alertOf('Refused')}`);
      await told()
        .getByText(/^Nobody has been told yet/)
        .waitFor();
      expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(PHONE.width);
      expect(await seriousFindings(page)).toEqual([]);
    } finally {
      await page.setViewportSize(DESKTOP);
    }
  });

  it('edits why a silence is, in place, and for what it is, by another in its place', async () => {
    const { page } = pages;
    const body = {
      matcher_sets: [['alertname="Nobody"'], ['team="x"']],
      duration_ms: 3_600_000,
      comment: 'disks',
    };
    const { id } = await pages.admin.read<{ id: string }>('/api/v1/alerts/silences', {
      method: 'POST',
      body,
    });
    const read = (which: string) =>
      pages.admin.read<Record<'matcher_sets' | 'ends_at' | 'comment' | 'end', unknown>>(
        `/api/v1/alerts/silences/${which}`,
      );
    const before = await read(id);
    await pages.open('/alerts/silences');
    const dialog = page.getByRole('dialog', { name: 'Edit the silence of alertname="Nobody"' });
    const edit = async (): Promise<void> => {
      await page.getByRole('button', { name: 'Edit the silence of alertname="Nobody"' }).click();
      await dialog.getByLabel('For alerts that match all of').waitFor();
    };
    await edit();
    expect(await dialog.getByLabel('For alerts that match all of').inputValue()).toBe(
      'alertname="Nobody"\nor\nteam="x"',
    );
    await dialog.getByLabel('Why').fill('');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByText('Say why, for those who wonder.').waitFor();
    await dialog.getByLabel('Why').fill('the disks are late');
    expect(await seriousFindings(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByText(/^the disks are late, says operator \d+$/).waitFor();
    expect(await read(id)).toMatchObject({
      comment: 'the disks are late',
      ends_at: before.ends_at,
      end: null,
    });

    await edit();
    await dialog.getByLabel('For alerts that match all of').fill('alertname="Waiting"');
    await dialog.getByText('1 alert that fires now: Waiting').waitFor();
    await dialog.getByText(/^This silence ends now, and another takes its place/).waitFor();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    const list = pages.panel('Silences').getByRole('list', { name: 'Silences' }).locator('li[data-row]');
    await list.getByText('alertname="Waiting"', { exact: true }).waitFor();
    expect(await list.count()).toBe(1);
    const { replaced_by: other } = (await read(id)).end as { replaced_by: string };
    expect(await read(other)).toMatchObject({
      matcher_sets: [['alertname="Waiting"']],
      comment: 'the disks are late',
      ends_at: before.ends_at,
    });

    // Somebody else ends it while one writes.
    const title = 'Edit the silence of alertname="Waiting"';
    await page.getByRole('button', { name: title }).click();
    const late = page.getByRole('dialog', { name: title });
    await late.getByLabel('Why').fill('too late');
    await pages.admin.call(`/api/v1/alerts/silences/${other}`, { method: 'DELETE' });
    await list.waitFor({ state: 'detached' });
    await late.getByRole('button', { name: 'Save' }).click();
    await late.getByText(/has ended: set a new one\./).waitFor();
    await late.getByRole('button', { name: 'Back' }).click();
    await late.waitFor({ state: 'detached' });
  });

  it('sets a silence for several alternatives with the keyboard, on a phone', async () => {
    const { page } = pages;
    await page.setViewportSize(PHONE);
    try {
      await pages.open('/alerts/silences');
      const form = pages.panel('New silence');
      const matchers = form.getByLabel('For alerts that match all of');
      await matchers.focus();
      await page.keyboard.type('alertname="Waiting" or alertname="Refused"');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Tab');
      await page.keyboard.type('both are known');
      await page.keyboard.press('Enter');
      await form.getByText('Write `or` on a line of its own.').waitFor();
      await matchers.fill('');
      await page.keyboard.type('alertname="Waiting"');
      await page.keyboard.press('Enter');
      await page.keyboard.type('or');
      await page.keyboard.press('Enter');
      await form.getByText('One of them is empty yet.').waitFor();
      await page.keyboard.type('alertname="Refused", severity="critical"');
      await form.getByText('alertname="Waiting": 1 alert that fires now: Waiting').waitFor();
      await form
        .getByText('alertname="Refused", severity="critical": 1 alert that fires now: Refused')
        .waitFor();
      expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(PHONE.width);
      expect(await seriousFindings(page)).toEqual([]);
      await page.keyboard.press('Tab');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      const row = pages.panel('Silences').locator('li[data-row]').filter({ hasText: 'both are known' });
      await row.getByText('alertname="Refused", severity="critical"', { exact: true }).waitFor();
      expect(await matchers.inputValue()).toBe('');
      expect(await seriousFindings(page)).toEqual([]);
      const { silences } = await pages.admin.read<{ silences: { id: string; matcher_sets: unknown }[] }>(
        '/api/v1/alerts/silences',
      );
      expect(silences.map(({ matcher_sets: sets }) => sets)).toEqual([
        [['alertname="Waiting"'], ['alertname="Refused"', 'severity="critical"']],
      ]);
      await pages.admin.call(`/api/v1/alerts/silences/${silences[0]?.id}`, { method: 'DELETE' });
      await row.waitFor({ state: 'detached' });
    } finally {
      await page.setViewportSize(DESKTOP);
    }
  });

  it('tells of what came and went that an incident was opened and closed, in one message', async () => {
    await measure('came', 1);
    const id = await alertOf('CameAndWent');
    await measure('came', 0);
    await pages.open(`/alerts/${id}`);
    await told().getByText('pager was told.', { exact: true }).waitFor();
    const [message, ...others] = await told()
      .getByRole('list', { name: 'Messages, newest first' })
      .getByRole('listitem')
      .all();
    expect(others).toEqual([]);
    expect(await message?.innerText()).toMatch(/^pager\s+pagerduty\/0, came and went\s+delivered\s/);
    await told()
      .getByText(/^Message Queued: a message to pager\/pagerduty\/0: came and went\.$/)
      .waitFor();
    await pages
      .panel('Timeline')
      .getByText(/^Message to pager by pagerduty about 1 alert \(came and went\) delivered: /)
      .waitFor();
    const events = webhook.messages.filter(({ path }) => path.startsWith('/pager'));
    expect(events.map((event) => event.event_action)).toEqual(['trigger', 'resolve']);
  });
});
