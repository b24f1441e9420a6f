import { describe, expect, it } from 'vitest';
import { encodeWriteRequest, snappy } from '../remote-write-request.ts';
import { seriousFindings } from './axe.ts';
import { chromiumForTests } from './chromium.ts';
import { drawnColumns } from './drawn-columns.ts';
import { Pages, talkers } from './pages.ts';

const program = chromiumForTests();

const POLICY = `
name: restart_asking
match: ['alertname="AgentFailed"', 'agent_id=~"asking-.*"']
target: { kind: agent, label: agent_id }
mode: approve
steps: [{ action: restart, verify: { within: 20s } }]
guards: { cooldown: 0s }
`;

/** Both will be pending for as long as the tests last. */
const RULES = `
groups:
  - name: patience
    rules:
      - alert: FleetIsThere
        expr: sum by (agent_type) (agents_active) > 0
        for: 1h
        labels: { severity: warning }
        annotations: { summary: 'there are {{ $value }} agents', runbook_url: 'https://runbooks.example/there' }
      - { alert: ProbeReads, expr: probe_reading > 5, for: 1h }
`;

describe.skipIf(program === null)('the pages of repairs and alerts and what they order', () => {
  const pages = new Pages(program ?? '', { pools: [talkers('asking', 3)], policy: POLICY, rules: RULES });
  const repairOf = (agentId: string) =>
    pages
      .panel('Repairs')
      .getByRole('list', { name: 'Repairs' })
      .getByRole('listitem')
      .filter({ hasText: agentId })
      .getByRole('link', { name: 'restart asking' });

  it('approves one repair, whose process really restarts, and rejects another', async () => {
    const { page } = pages;
    await pages.hasStatus('asking-1', 'IDLE');
    await pages.hasStatus('asking-2', 'IDLE');
    const pid = pages.pidOf('asking-1') ?? 0;
    process.kill(pid, 'SIGKILL');
    process.kill(pages.pidOf('asking-2') ?? 0, 'SIGKILL');
    await pages.open('/repairs?show=approve');
    for (const [agentId, decision, outcome] of [
      ['asking-1', 'Approve', 'healed'],
      ['asking-2', 'Reject', 'cancelled'],
    ] as const) {
      await pages.open('/repairs');
      await repairOf(agentId).click();
      await page.getByRole('heading', { level: 1, name: `restart asking on ${agentId}` }).waitFor();
      await pages.order(
        `${decision} restart asking on ${agentId}`,
        new RegExp(`^(The watchdog begins|Nothing is done) .*agent ${agentId}`),
      );
      await page.getByText(outcome, { exact: true }).first().waitFor();
    }
    await pages.panel('Evidence').getByText('ended with SIGKILL').waitFor();
    await pages
      .panel('End of the output of generation 1 of asking-2')
      .getByText(/nothing to do \d+$/)
      .waitFor();
    expect(pages.pidOf('asking-1')).not.toBe(pid);
    expect((await pages.agent('asking-1')).generation).toBe(2);
    expect(await pages.agent('asking-2')).toMatchObject({ status: 'FAILED', generation: 1 });
    await page
      .getByRole('list', { name: 'Events of this repair, newest first' })
      .getByText(/cancelled$/)
      .waitFor();
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('approves a repair on the page of the agent that it is for', async () => {
    const { page } = pages;
    await pages.hasStatus('asking-3', 'IDLE');
    await pages.open('/fleet/asking-3');
    await pages.panel('Why').waitFor();
    expect(await pages.panel('Needs you').count()).toBe(0);
    process.kill(pages.pidOf('asking-3') ?? 0, 'SIGKILL');
    await pages
      .panel('Needs you')
      .getByText(/^awaiting approval restart asking waits for a yes or no for /)
      .waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByRole('button', { name: 'Reject restart asking on asking-3' }).waitFor();
    await pages.order('Approve restart asking on asking-3', /^The watchdog begins .*agent asking-3/);
    await pages.panel('Needs you').waitFor({ state: 'detached' });
    await pages.panel('Repairs').getByText('healed', { exact: true }).waitFor();
    expect(await pages.agent('asking-3')).toMatchObject({ generation: 2 });
  });

  it('shows what an agent that failed put out last, and what an earlier generation did', async () => {
    const { page } = pages;
    await pages.open('/repairs');
    await repairOf('asking-2').click();
    await page.getByRole('heading', { level: 1, name: 'restart asking on asking-2' }).waitFor();
    const repair = page.url();
    await pages.open('/fleet/asking-2');
    await page
      .getByRole('log', { name: 'Output of asking-2' })
      .getByText(/nothing to do \d/)
      .waitFor();
    await pages.open('/fleet/asking-1');
    await pages.panel('Generations').getByText('Last output', { exact: true }).click();
    await pages
      .panel('End of the output of generation 1 of asking-1')
      .getByText(/nothing to do \d+$/)
      .waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.goto(repair);
  });

  it('shows an alert with its condition, value and repair, acknowledges it, and ends it', async () => {
    const { page } = pages;
    // The one whose repair was rejected.
    await page.getByRole('link', { name: 'AgentFailed', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'AgentFailed' }).waitFor();
    await page.getByLabel('Expression').filter({ hasText: 'agent_status' }).waitFor();
    await page
      .getByRole('img', { name: /^Value: 1 now, at most 1 in the last 15m, held against == 1$/ })
      .waitFor();
    // The value has the height of its threshold: it is seen without a break, and the threshold all across the chart, too.
    const chart = 'section [role="img"][aria-label^="Value"]';
    const value = await drawnColumns(page, chart, '--busy');
    const widest = Math.max(...value.map(({ from, to }) => to - from + 1));
    expect(widest).toBeGreaterThan(12);
    expect(value.length).toBeLessThanOrEqual(2);
    await page
      .getByRole('list', { name: 'Timeline, oldest first' })
      .getByText('AgentFailed of asking-2 fires')
      .waitFor();
    await pages.panel('Repairs').getByRole('link', { name: 'restart asking' }).waitFor();
    await pages.order('Acknowledge AgentFailed', /^Everybody sees that you have it/);
    await page.getByText(/^Acknowledged by operator \d+\.$/).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await pages.order('Resolve AgentFailed', /^The alert ends now, by hand/);
    await page.getByText(/ended .* ago: manual$/).waitFor();
    const id = new URL(page.url()).pathname.split('/').at(-1);
    expect(await pages.admin.read(`/api/v1/alerts/${id}`)).toMatchObject({
      state: 'resolved',
      cause: 'manual',
    });
  });

  it('shows what is about to fire: its condition, value and when', async () => {
    const { page } = pages;
    await pages.open('/alerts');
    await pages.panel('Pending').getByRole('link', { name: 'FleetIsThere' }).first().click();
    await page.getByRole('heading', { level: 1, name: 'FleetIsThere' }).waitFor();
    await page.getByText(/pending for .*; fires in 5\d?m.* if it goes on$/).waitFor();
    await page.getByText(/^there are \d+ agents$/).waitFor();
    await page.getByLabel('Expression').filter({ hasText: 'sum by (agent_type)' }).waitFor();
    await page.getByText('patience/FleetIsThere of rules.yaml fires when it has held for 1h.').waitFor();
    await page.getByRole('img', { name: /^Value: \d+ now, .*held against > 0$/ }).waitFor();
    await pages
      .panel('About')
      .getByText(/^\d+, threshold 0$/)
      .waitFor();
    const runbook = pages.panel('About').getByRole('link', { name: 'https://runbooks.example/there' });
    expect(await runbook.getAttribute('href')).toBe('https://runbooks.example/there');
    expect(await seriousFindings(page)).toEqual([]);
    await pages.open('/alerts/pending/nothing');
    await page.getByText(/^Its condition does not hold any more/).waitFor();
  });

  it('draws a single value as a point, a time without one as a gap, and a line between values', async () => {
    const { page } = pages;
    const now = Date.now();
    const at = (ageS: number, value: number | Uint8Array) => ({ timestampMs: now - ageS * 1_000, value });
    const stale = Uint8Array.of(2, 0, 0, 0, 0, 0, 0xf0, 0x7f);
    const run = Array.from({ length: 25 }, (_, place) => at(420 - 5 * place, 7));
    const samples = [at(600, 7), at(599, stale), ...run, at(299, stale), at(0, 9)];
    const { secret } = await pages.admin.makeToken({ name: 'a probe', role: 'ingest' });
    const answer = await fetch(`${pages.url}/prometheus/api/v1/write`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/x-protobuf' },
      body: Buffer.from(snappy(encodeWriteRequest([{ labels: [['__name__', 'probe_reading']], samples }]))),
    });
    expect(answer.status).toBe(204);
    await pages.open('/alerts');
    await pages.panel('Pending').getByRole('link', { name: 'ProbeReads' }).first().click();
    await page.getByRole('img', { name: /^Value: 9 now, .*held against > 5$/ }).waitFor();
    const [point, line, latest, ...others] = await drawnColumns(
      page,
      'section [role="img"][aria-label^="Value"]',
      '--busy',
    );
    const widthOf = (stretch: typeof point): number => (stretch ? stretch.to - stretch.from + 1 : 0);
    expect(widthOf(point)).toBeGreaterThanOrEqual(3);
    expect(widthOf(point)).toBeLessThan(10);
    expect(widthOf(line)).toBeGreaterThan(8 * widthOf(point));
    expect(widthOf(latest)).toBeGreaterThanOrEqual(3);
    const gaps = [(line?.from ?? 0) - (point?.to ?? 0), (latest?.from ?? 0) - (line?.to ?? 0)];
    for (const gap of gaps) expect(gap).toBeGreaterThan(widthOf(line) / 2);
    expect(others).toEqual([]);
  });

  it('pauses the watchdog with a reason, and lets it go on', async () => {
    const { page } = pages;
    await pages.open('/repairs');
    const states = () =>
      pages.admin.read<{ states: { state: string; reason: string }[] }>('/api/v1/watchdog/state');
    await page.getByRole('button', { name: 'Pause the watchdog' }).click();
    const question = page.getByRole('dialog', { name: 'Pause the watchdog' });
    await question.getByLabel('Reason').fill('moving house');
    await question.getByRole('button', { name: 'Pause the watchdog' }).click();
    await pages
      .panel('Watchdog')
      .getByText(/moving house/)
      .waitFor();
    expect((await states()).states).toMatchObject([{ state: 'paused' }]);
    await pages.order('Resume the watchdog', /^What was held back is decided again/);
    await pages.panel('Watchdog').getByText('on watch').waitFor();
    expect((await states()).states).toEqual([]);
  });

  it('offers a viewer nothing that they may not do, and says why', async () => {
    const page = await pages.as('viewer');
    const body = { task_type: 'dig', phase_id: 'PHASE_TESTING' };
    await pages.admin.read('/api/v1/fleet/tasks', { method: 'POST', body });
    const { alerts } = await pages.admin.read<{ alerts: { id: string }[] }>('/api/v1/alerts?limit=1');
    const { tasks } = await pages.admin.read<{ tasks: { task_id: string }[] }>(
      '/api/v1/fleet/tasks?state=queued&limit=1',
    );
    for (const [path, why] of [
      ['/fleet/asking-1', 'An operator may restart, stop, drain or quarantine it; you may look.'],
      ['/repairs', 'An operator may pause it, and let it go on.'],
      ['/tasks', 'An operator may enqueue, retry and cancel tasks; you may look.'],
      [`/tasks/${tasks[0]?.task_id}`, 'An operator may retry or cancel it; you may look.'],
    ] as const) {
      await pages.open(path);
      await page.getByText(why).waitFor();
      const orders = page.getByRole('button', {
        name: /^(Restart|Stop|Drain|Quarantine|Forget|Pause|Resume|Enqueue|Cancel|Retry|Approve|Reject|Resolve|Acknowledge)/,
      });
      expect(await orders.count()).toBe(0);
    }
    await pages.open(`/alerts/${alerts[0]?.id}`);
    await page.getByRole('heading', { level: 2, name: 'Condition' }).waitFor();
    expect(await page.getByRole('button', { name: /^(Acknowledge|Resolve)/ }).count()).toBe(0);
  });
});
