import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../acceptance/support/until.ts';
import { seriousFindings } from './axe.ts';
import { chromiumForTests } from './chromium.ts';
import { Pages, WITHIN_MS } from './pages.ts';
import { POLICY, routing, RULES } from './notified-alerts.ts';
import { DESKTOP, PHONE } from './visits.ts';
import { Webhook } from './webhook.ts';

const program = chromiumForTests();

describe.skipIf(program === null)('who is told, on the pages', () => {
  const webhook = new Webhook();
  beforeAll(() => webhook.start());
  afterAll(() => webhook.stop());
  const pages = new Pages(program ?? '', {
    rules: RULES,
    policy: POLICY,
    routing: () => routing(webhook.url),
  });

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

  it('chooses alerts by what the address says', async () => {
    const { page } = pages;
    await pages.open('/alerts');
    const panel = pages.panel('Alerts');
    await panel.getByRole('link', { name: 'critical', exact: true }).click();
    await panel.getByRole('link', { name: 'DiskIsSlow', exact: true }).waitFor({ state: 'detached' });
    await panel.getByRole('link', { name: 'DiskIsFull', exact: true }).waitFor();
    expect(new URL(page.url()).searchParams.get('severity')).toBe('critical');
    await pages.open('/alerts?match=' + encodeURIComponent('team="web", disk=~"b|c"'));
    await panel.getByRole('link', { name: 'DiskIsSlow', exact: true }).waitFor();
    expect(await panel.getByRole('link', { name: /DiskIsFull|NobodyCares/ }).count()).toBe(0);
    await panel.getByRole('textbox', { name: 'Labels' }).fill('team="none"');
    await page.keyboard.press('Enter');
    await panel.getByText('There is none of these.').waitFor();
    await panel.getByRole('textbox', { name: 'Labels' }).fill('team');
    await page.keyboard.press('Enter');
    await panel.getByText(/^Could not be read: .*is no matcher like name="value"/).waitFor();
    await panel.getByRole('textbox', { name: 'Labels' }).fill('');
    await page.keyboard.press('Enter');
    await panel.getByRole('link', { name: 'NobodyCares', exact: true }).waitFor();
  });

  it('selects alerts by keys, and acknowledges and silences them at once', async () => {
    const { page } = pages;
    await pages.open('/alerts?match=' + encodeURIComponent('disk=~".+"'));
    const panel = pages.panel('Alerts');
    await panel.getByRole('link', { name: 'DiskIsSlow', exact: true }).waitFor();
    await page.locator('h1').click();
    for (const key of ['j', 'x', 'j', 'x']) await page.keyboard.press(key);
    const bulk = panel.getByRole('group', { name: 'Selected alerts' });
    await bulk.getByText('2 alerts selected').waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.keyboard.press('s');
    const dialog = page.getByRole('dialog', { name: 'Silence 2 alerts' });
    await dialog.getByRole('button', { name: 'Silence', exact: true }).click();
    await dialog.getByText('Say why, for those who wonder.').waitFor();
    await dialog.getByLabel('Why').fill('new disks');
    await dialog.getByLabel('For how long').fill('2h');
    expect(await seriousFindings(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Silence', exact: true }).click();
    await bulk.waitFor({ state: 'detached' });
    const { silences } = await pages.admin.read<{ silences: { id: string; matcher_sets: string[][] }[] }>(
      '/api/v1/alerts/silences',
    );
    expect(silences.map(({ matcher_sets: sets }) => sets.length)).toEqual([2]);
    await pages.admin.call(`/api/v1/alerts/silences/${silences[0]?.id}`, { method: 'DELETE' });
    await page.locator('h1').click();
    for (const key of ['j', 'x', 'j', 'x', 'a']) await page.keyboard.press(key);
    await panel
      .getByText(/^Acknowledged by operator \d+$/)
      .nth(1)
      .waitFor();
  });

  it('silences one alert by its labels, and says how many others that would be', async () => {
    const { page } = pages;
    const id = await alertOf('DiskIsFull');
    await pages.open(`/alerts/${id}`);
    await page.getByRole('button', { name: 'Silence DiskIsFull' }).waitFor();
    await page.keyboard.press('s');
    const dialog = page.getByRole('dialog', { name: 'Silence DiskIsFull' });
    await dialog.getByText('1 alert that fires now: DiskIsFull', { exact: false }).waitFor();
    await dialog.getByLabel('For alerts that match all of').fill('team="web"');
    await dialog.getByText(/^2 alerts that fire now: /).waitFor();
    await dialog.getByLabel('Why').fill('moving house');
    await dialog.getByRole('button', { name: 'Silence', exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
    const { silences } = await pages.admin.read<{
      silences: { matcher_sets: string[][]; comment: string }[];
    }>('/api/v1/alerts/silences');
    expect(silences).toMatchObject([{ matcher_sets: [['team="web"']], comment: 'moving house' }]);
  });

  it('acknowledges with a note, snoozes and ends that, assigns and takes that back, and comments, each in the timeline', async () => {
    const { page } = pages;
    const id = await alertOf('NobodyCares');
    await pages.open(`/alerts/${id}`);
    await page.getByRole('button', { name: 'Acknowledge NobodyCares' }).waitFor();
    await page.keyboard.press('a');
    const asked = page.getByRole('dialog', { name: 'Acknowledge NobodyCares' });
    await page.keyboard.type('looking at the mails');
    expect(await seriousFindings(page)).toEqual([]);
    await page.keyboard.press('Enter');
    await asked.waitFor({ state: 'detached' });
    const about = pages.panel('About');
    await about.getByText(/^by operator \d+, .*: looking at the mails$/).waitFor();
    const timeline = page.getByRole('list', { name: 'Timeline, oldest first' });
    await timeline.getByText(/^NobodyCares acknowledged by operator \d+: looking at the mails$/).waitFor();

    await page.getByRole('button', { name: 'Snooze NobodyCares', exact: true }).click();
    const snooze = page.getByRole('dialog', { name: 'Snooze NobodyCares' });
    await snooze.getByLabel('For how long, or until when').fill('soon');
    await snooze.getByRole('button', { name: 'Snooze NobodyCares' }).click();
    await snooze.getByText(/^Write how long, such as 30m or 4h/).waitFor();
    await snooze.getByLabel('For how long, or until when').fill('2h');
    await snooze.getByLabel('Note').fill('after the backup');
    await snooze.getByRole('button', { name: 'Snooze NobodyCares' }).click();
    await snooze.waitFor({ state: 'detached' });
    await about.getByText(/^until .* by operator \d+: after the backup$/).waitFor();
    await timeline.getByText(/^NobodyCares snoozed for 2h by operator \d+: after the backup$/).waitFor();
    await pages.order('Unsnooze NobodyCares', /^Its receivers are told at once/);
    await timeline.getByText(/^NobodyCares is no longer snoozed, by operator \d+$/).waitFor();
    expect(await page.getByRole('button', { name: 'Unsnooze NobodyCares' }).count()).toBe(0);

    await page.getByRole('button', { name: 'Assign NobodyCares', exact: true }).click();
    const assign = page.getByRole('dialog', { name: 'Assign NobodyCares' });
    expect(await assign.getByLabel('To whom').inputValue()).toMatch(/^operator \d+$/);
    await assign.getByLabel('To whom').fill('grace');
    await assign.getByRole('button', { name: 'Assign NobodyCares' }).click();
    await about.getByText(/^to grace by operator \d+$/).waitFor();
    await pages.order('Unassign NobodyCares', 'grace no longer looks after it, and nobody else does.');
    await timeline.getByText(/^NobodyCares assigned to nobody by operator \d+$/).waitFor();

    const comments = pages.panel('Comments');
    await comments.getByText('Nobody has said anything yet.').waitFor();
    await comments.getByRole('textbox', { name: 'Comment' }).fill('The queue of mails\nis empty.');
    await page.keyboard.press('Control+Enter');
    const said = comments.getByRole('list', { name: 'Comments, oldest first' }).getByRole('listitem');
    await said.waitFor();
    expect(await said.innerText()).toMatch(/^operator \d+, .*\nThe queue of mails\nis empty\.$/);
    expect(await comments.getByRole('textbox', { name: 'Comment' }).inputValue()).toBe('');
    await timeline.getByText(/^operator \d+ on NobodyCares: The queue of mails/).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    const answer = await pages.admin.read<Record<string, unknown>>(`/api/v1/alerts/${id}`);
    expect(answer).toMatchObject({ assigned_to: null, snoozed_until: null });
  });

  it('tells that a repair was held back before it was planned, and by which guard', async () => {
    const { page } = pages;
    const agent = { agent_type: 'worker', nonce: 'a stranger', heartbeat_interval_ms: 300_000 };
    await pages.admin.read('/api/v1/fleet/agents', {
      method: 'POST',
      body: { agent_id: 'stranger-1', ...agent },
    });
    const metrics = [{ name: 'stranger_silent', gauge: { dataPoints: [{ asInt: 1 }] } }];
    const body = { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] };
    await pages.admin.read('/v1/metrics', { method: 'POST', body });
    await pages.open(`/alerts/${await alertOf('StrangerIsSilent')}`);
    await pages
      .panel('Repairs')
      .getByText(/^Held back by the guard not managed: /)
      .waitFor();
    expect(await pages.panel('Repairs').getByText('None so far.').count()).toBe(0);
    await page
      .getByRole('list', { name: 'Timeline, oldest first' })
      .getByText(/held back/)
      .waitFor();
  });

  it('tells who has begun to acknowledge that somebody else was faster', async () => {
    const { page } = pages;
    const id = await alertOf('StrangerIsSilent');
    await pages.open(`/alerts/${id}`);
    await page.getByRole('button', { name: 'Acknowledge StrangerIsSilent' }).click();
    const asked = page.getByRole('dialog', { name: 'Acknowledge StrangerIsSilent' });
    await asked.getByLabel('Note').fill('on my way');
    await pages.admin.read(`/api/v1/alerts/${id}/acknowledge`, { method: 'POST', body: {} });
    await asked.getByText(/^.+ has acknowledged it meanwhile\./).waitFor();
    expect(await asked.getByLabel('Note').inputValue()).toBe('on my way');
    expect(await seriousFindings(page)).toEqual([]);
    await asked.getByRole('button', { name: 'Back' }).click();
    await asked.waitFor({ state: 'detached' });
    expect(await page.getByRole('button', { name: 'Acknowledge StrangerIsSilent' }).count()).toBe(0);
  });

  it('acknowledges all alerts of a message by its link, once that is confirmed', async () => {
    const { page } = pages;
    const dataPoints = Array.from({ length: 50 }, (_, at) => ({
      asInt: 1,
      attributes: [{ key: 'part', value: { stringValue: `${at + 1}` } }],
    }));
    const metrics = [{ name: 'part_broken', gauge: { dataPoints } }];
    const body = { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] };
    await pages.admin.read('/v1/metrics', { method: 'POST', body });
    const link = await until(
      () => webhook.messages.find(({ path }) => path === '/rack')?.link,
      'the rack is told with a link',
      WITHIN_MS,
    );
    const unacknowledged = async (): Promise<number> => {
      const asked = '/api/v1/alerts?state=firing&rule_id=here/PartBroken&acknowledged=false';
      return (await pages.admin.read<{ alerts: unknown[] }>(asked)).alerts.length;
    };
    await page.goto(link);
    await page.getByRole('heading', { level: 1, name: 'Acknowledge 50 alerts?' }).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    expect(await unacknowledged()).toBe(50);
    await page.getByRole('button', { name: 'Acknowledge 50 alerts' }).click();
    await page.getByText('50 by link of receiver rack.').waitFor();
    expect(await unacknowledged()).toBe(0);
    const forged = await fetch(`${link.slice(0, -3)}AAA`, { method: 'POST' });
    expect(forged.status).toBe(401);
    // Others look for theirs on the first page of the list.
    const { alerts } = await pages.admin.read<{ alerts: { id: string }[] }>(
      '/api/v1/alerts?state=firing&rule_id=here/PartBroken&limit=100',
    );
    const ids = alerts.map(({ id }) => id);
    await pages.admin.read('/api/v1/alerts/bulk', { method: 'POST', body: { ids, action: 'resolve' } });
  });

  it('lists the alerts of a receiver, as links of messages ask for them, and of an agent', async () => {
    const { page } = pages;
    await pages.open('/alerts?receiver=pager');
    const panel = pages.panel('Alerts');
    await panel.getByRole('link', { name: 'DiskIsFull', exact: true }).waitFor();
    expect(await panel.getByRole('link', { name: /DiskIsSlow|NobodyCares/ }).count()).toBe(0);
    const receiver = panel.getByRole('combobox', { name: 'Receiver' });
    expect(await receiver.inputValue()).toBe('pager');
    await receiver.fill('nights|broken');
    await page.keyboard.press('Enter');
    await panel.getByRole('link', { name: 'NobodyCares', exact: true }).waitFor();
    await panel.getByRole('link', { name: 'DiskIsSlow', exact: true }).waitFor();
    expect(await panel.getByRole('link', { name: 'DiskIsFull', exact: true }).count()).toBe(0);
    expect(new URL(page.url()).searchParams.get('receiver')).toBe('nights|broken');
    await receiver.fill('(');
    await page.keyboard.press('Enter');
    await panel.getByText(/^Could not be read: receiver: "\(" is no regular expression/).waitFor();
    await receiver.fill('');
    await page.keyboard.press('Enter');
    await panel.getByRole('link', { name: 'DiskIsFull', exact: true }).waitFor();
    await panel.getByRole('textbox', { name: 'Agent' }).fill('nobody-1');
    await page.keyboard.press('Enter');
    await panel.getByText('There is none of these.').waitFor();
    expect(new URL(page.url()).searchParams.get('agent')).toBe('nobody-1');
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('sets a silence from matchers with the number of alerts that it is for, extends and ends it', async () => {
    const { page } = pages;
    await pages.open('/alerts');
    await page
      .getByRole('navigation', { name: 'About alerts' })
      .getByRole('link', { name: 'Silences' })
      .click();
    const form = pages.panel('New silence');
    await form.getByLabel('For alerts that match all of').fill('team="mail"');
    await form.getByText('1 alert that fires now: NobodyCares').waitFor();
    await form.getByLabel('For alerts that match all of').fill('team');
    await form.getByText(/is no matcher like name="value"/).waitFor();
    await form.getByLabel('For alerts that match all of').fill('team="mail"');
    await form.getByLabel('Why').fill('nobody cares');
    await form.getByRole('button', { name: 'Silence', exact: true }).click();
    const list = pages.panel('Silences').getByRole('list', { name: 'Silences' });
    const row = list.locator('li[data-row]').filter({ hasText: 'nobody cares, says operator' });
    await row.getByText(/^ends in (59m\d+s|1h)$/).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await row.getByRole('button', { name: /^Extend/ }).click();
    const dialog = page.getByRole('dialog', { name: 'Extend the silence of team="mail"' });
    await dialog.getByLabel('It ends, from now on, in').fill('3h');
    await dialog.getByRole('button', { name: 'Extend', exact: true }).click();
    await row.getByText(/^ends in (2h59m|3h)$/).waitFor();
    // Somebody else ends it while one writes how long it is to last.
    await row.getByRole('button', { name: /^Extend/ }).click();
    await dialog.getByLabel('It ends, from now on, in').fill('6h');
    const { silences } = await pages.admin.read<{ silences: { id: string; comment: string }[] }>(
      '/api/v1/alerts/silences',
    );
    const ended = silences.find(({ comment }) => comment === 'nobody cares')?.id;
    await pages.admin.call(`/api/v1/alerts/silences/${ended}`, { method: 'DELETE' });
    await row.waitFor({ state: 'detached' });
    await dialog.getByRole('button', { name: 'Extend', exact: true }).click();
    await dialog.getByText(/has ended: set a new one\./).waitFor();
    await dialog.getByRole('button', { name: 'Back' }).click();
    await dialog.waitFor({ state: 'detached' });
    await form.getByLabel('For alerts that match all of').fill('team="mail"');
    await form.getByLabel('Why').fill('nobody cares');
    await form.getByRole('button', { name: 'Silence', exact: true }).click();
    await pages.order('End the silence of team="mail"', /^From now on people are told again/);
    await row.waitFor({ state: 'detached' });
    await pages.panel('Silences').getByRole('link', { name: 'ended', exact: true }).click();
    await row
      .first()
      .getByText(/^ended .*: before its time by operator \d+$/)
      .waitFor();
  });

  it('shows the routes as a list, and where an alert would go', async () => {
    const { page } = pages;
    await pages.open('/alerts/routes');
    const routes = pages.panel('Routes').getByRole('list', { name: /^Routes/ });
    await routes.getByRole('listitem').nth(4).waitFor();
    const [root, first, ...others] = await routes.getByRole('listitem').all();
    expect(others).toHaveLength(3);
    expect(await root?.innerText()).toMatch(/^every alert\s+→\s+to\s+desk/);
    expect(await first?.innerText()).toContain('severity="critical", team="web"');
    await routes.getByText(/silent now, within always/).waitFor();
    await pages
      .panel('Where would this go?')
      .getByLabel('Labels of an alert')
      .fill('team="web", severity=info');
    await page.keyboard.press('Enter');
    const to = page.getByRole('list', { name: 'Where it would go' });
    await to.getByText('To broken, in the group {}/{team="web"}:{severity="info", team="web"}').waitFor();
    await routes.getByText('it asks for severity="critical", and the alert has severity="info"').waitFor();
    expect(new URL(page.url()).searchParams.get('labels')).toBe('team="web", severity=info');
    expect(await seriousFindings(page)).toEqual([]);
    await pages.panel('Where would this go?').getByLabel('Labels of an alert').fill('team=~web');
    await page.keyboard.press('Enter');
    await page.getByText(/is no label of an alert: it has =~; write team=web/).waitFor();
  });

  it('tests receivers, and shows what waits for them', async () => {
    const { page } = pages;
    await pages.open('/alerts/routes');
    const receivers = pages.panel('Receivers');
    await receivers.getByRole('button', { name: 'Test desk' }).click();
    await receivers.getByText(/Test delivered: .*200/).waitFor();
    expect(webhook.messages.some(({ path }) => path === '/desk')).toBe(true);
    await receivers.getByRole('button', { name: 'Test broken' }).click();
    await receivers.getByText(/Test failed: .*503/).waitFor();
    await receivers.getByRole('link', { name: '1 message waits' }).click();
    await pages.panel('Messages').getByText('only to broken').waitFor();
    const list = pages.panel('Messages').getByRole('list', { name: 'Messages, newest first' });
    await list.getByText(/^tried \d+ times?, /).waitFor();
    expect(await list.locator(':scope > li').count()).toBe(1);
    expect(await seriousFindings(page)).toEqual([]);
    await list.getByRole('link', { name: 'DiskIsSlow' }).click();
    await page.getByRole('heading', { level: 1, name: 'DiskIsSlow' }).waitFor();
  });

  it('shows who is on call and who is next, and puts somebody else on call', async () => {
    const { page } = pages;
    await pages.open('/alerts/on-call');
    const infra = pages.panel('infra');
    const first = await infra.getByText(/^(ada, told by pager|grace, told by desk)$/).innerText();
    const [now, next] = first.startsWith('ada') ? ['ada', 'grace'] : ['grace', 'ada'];
    await infra.getByText(new RegExp(`^Then ${next}, in \\d+[dhm]`)).waitFor();
    await infra.getByText('weekly: ada, grace', { exact: true }).waitFor();
    const form = pages.panel('Stand in');
    await form.getByLabel('Who').selectOption(next ?? '');
    await form.getByLabel('For how long').fill('8h');
    await form.getByLabel('Why').fill('swapped');
    await form.getByRole('button', { name: 'Put on call' }).click();
    await infra.getByText(new RegExp(`^${next}, told by .*; stands in$`)).waitFor();
    await infra.getByText(new RegExp(`^Then ${now}, in (8h|7h59m)`)).waitFor();
    await infra
      .getByRole('list', { name: 'Who stands in for infra' })
      .getByText(/: swapped, says operator \d+$/)
      .waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByRole('button', { name: `Remove ${next} from infra` }).click();
    await infra.getByText(first, { exact: true }).waitFor();
  });

  it.each(['light', 'dark'] as const)('fits on a phone, %s', async (colorScheme) => {
    const { page } = pages;
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize(PHONE);
    try {
      for (const [path, shown] of [
        [`/alerts/${await alertOf('DiskIsSlow')}`, 'Who was told, and why'],
        ['/alerts?state=all', 'Alerts'],
        ['/alerts/silences', 'New silence'],
        ['/alerts/routes?labels=team%3Dweb', 'Routes'],
        ['/alerts/on-call', 'infra'],
      ] as const) {
        await pages.open(path);
        await pages.panel(shown).waitFor();
        await page.locator('main [aria-label="Loading"]').first().waitFor({ state: 'detached' });
        expect([path, await page.evaluate<number>('document.documentElement.scrollWidth')]).toEqual([
          path,
          PHONE.width,
        ]);
        expect(await seriousFindings(page)).toEqual([]);
      }
    } finally {
      await page.setViewportSize(DESKTOP);
      await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    }
  });

  it('offers a viewer nothing that they may not do, and says why', async () => {
    const page = await pages.as('viewer');
    await pages.open('/alerts/silences');
    await page.getByText('An operator may set, edit, extend and end silences; you may look.').waitFor();
    await pages.open('/alerts/on-call');
    await page.getByText('An operator may put somebody else on call; you may look.').waitFor();
    await pages.open('/alerts/routes');
    await pages.panel('Receivers').getByText('pager', { exact: true }).waitFor();
    expect(await page.getByRole('button', { name: /^Test/ }).count()).toBe(0);
    await pages.open('/alerts');
    await pages.panel('Alerts').getByRole('link', { name: 'NobodyCares', exact: true }).waitFor();
    expect(await page.getByRole('checkbox').count()).toBe(0);
    expect(await page.getByRole('button', { name: /^(Silence|Acknowledge)/ }).count()).toBe(0);
  });
});
