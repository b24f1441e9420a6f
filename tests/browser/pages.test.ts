import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Client } from '../acceptance/support/client.ts';
import { dataDirectory, OmoiServer } from '../acceptance/support/omoi-process.ts';
import { until } from '../acceptance/support/until.ts';
import { workersOf } from '../acceptance/support/workers.ts';
import { seriousFindings } from './axe.ts';
import { chromiumForTests, openBrowser } from './chromium.ts';
import { logInWithToken } from './log-in.ts';
import { Visits } from './visits.ts';

const program = chromiumForTests();
const WITHIN_MS = 60_000;

/** A worker that is ready for work, has none, and says so. */
const TALKER = `
  import { createAgent } from '@omoi/agent';
  createAgent();
  console.log('\\u001b[32mready\\u001b[0m');
  let said = 0;
  setInterval(() => console.log('nothing to do', ++said), 200);
`;
const HEARTBEATS = { heartbeat_interval: '500ms', grace: '500ms' };

function talkers(id: string, desired: number): object {
  const command = [process.execPath, '--conditions=omoi-source', '--input-type=module', '-e', TALKER];
  return { id, command, cwd: process.cwd(), desired, max: desired, ...HEARTBEATS };
}

const POOLS = [talkers('asking', 2), talkers('talking', 1)];

const POLICY = `
name: restart_asking
match: ['alertname="AgentFailed"', 'agent_id=~"asking-.*"']
target: { kind: agent, label: agent_id }
mode: approve
steps: [{ action: restart, verify: { within: 20s } }]
guards: { cooldown: 0s }
`;

/** It will be pending for as long as the tests last. */
const RULES = `
groups:
  - name: patience
    rules:
      - alert: FleetIsThere
        expr: sum by (agent_type) (agents_active) > 0
        for: 1h
        labels: { severity: warning }
        annotations: { summary: 'there are {{ $value }} agents', runbook_url: 'https://runbooks.example/there' }
`;

/** More tasks than the page reads at first. */
const ENDED_TASKS = 110;

describe.skipIf(program === null)('the pages of the dashboard and what they order', () => {
  const directory = dataDirectory();
  let server: OmoiServer;
  let admin: Client;
  let browser: Browser;
  let visits: Visits<'operator' | 'viewer'>;
  let page: Page;
  let pageErrors: string[] = [];

  beforeAll(async () => {
    const policies = join(directory.path, 'policies');
    mkdirSync(policies);
    writeFileSync(join(policies, 'asking.yaml'), POLICY);
    const rules = join(directory.path, 'patience.yaml');
    writeFileSync(rules, RULES);
    const configFile = join(directory.path, 'omoi.json');
    writeFileSync(
      configFile,
      JSON.stringify({
        alerting: { rule_files: [rules] },
        watchdog: { policy_files: [policies] },
        fleet: { pools: POOLS },
      }),
    );
    server = await OmoiServer.start(directory.path, { configFile });
    admin = new Client(() => server.url, server.adminToken);
    browser = await openBrowser(program ?? '');
    let tokens = 0;
    visits = new Visits(browser, {
      withinMs: WITHIN_MS,
      logIn: async (opened, role) => {
        opened.on('pageerror', (error) => pageErrors.push(error.message));
        await logInWithToken(opened, { url: server.url, admin }, { name: `${role} ${++tokens}`, role });
      },
    });
  });
  afterAll(async () => {
    await browser?.close();
    for (const { id } of POOLS as readonly { readonly id: string }[])
      await admin?.call(`/api/v1/fleet/pools/${id}`, { method: 'DELETE' });
    await server?.stop();
    directory.remove();
  });
  beforeEach(async () => {
    pageErrors = [];
    page = await visits.as('operator');
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await visits.end();
    expect(pageErrors).toEqual([]);
  });

  const pidOf = (agentId: string) =>
    workersOf({ url: server.url, directory: directory.path }).find((one) => one.agentId === agentId)?.pid;
  const agent = (agentId: string) =>
    admin.read<{ status: string; generation: number }>(`/api/v1/fleet/agents/${agentId}`);
  const hasStatus = (agentId: string, status: string) =>
    until(async () => (await agent(agentId)).status === status, `${agentId} is ${status}`, WITHIN_MS);
  const panel = (name: string) => page.getByRole('region', { name, exact: true });

  /** Presses a button, reads what it would do, and confirms. */
  async function order(title: string, effect: string | RegExp): Promise<void> {
    await page.getByRole('button', { name: title, exact: true }).click();
    const question = page.getByRole('dialog', { name: title });
    await question.getByText(effect).waitFor();
    await question.getByRole('button', { name: title, exact: true }).click();
    await question.waitFor({ state: 'detached' });
  }

  async function open(path: string): Promise<void> {
    await page.goto(`${server.url}${path}`);
  }

  it('shows an agent with its output as it comes, and how it was', async () => {
    await hasStatus('talking-1', 'IDLE');
    await open('/fleet/talking-1');
    const output = page.getByRole('log', { name: 'Output of talking-1' });
    // Colours are for terminals.
    await output.filter({ hasText: 'ready nothing to do 1 ' }).waitFor();
    const before = await output.textContent();
    await expect.poll(() => output.textContent(), { timeout: WITHIN_MS }).not.toBe(before);
    await page.getByRole('img', { name: /^In the last 15m: .*well \d/ }).waitFor();
    await page.getByRole('img', { name: /^Silence: \d+(\.\d+)?\w+ now, at most \d/ }).waitFor();
    await page
      .getByRole('list', { name: 'Events of talking-1, newest first' })
      .getByText('talking-1 registered')
      .waitFor();
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('restarts an agent: another process runs', async () => {
    await open('/fleet/talking-1');
    const pid = pidOf('talking-1');
    expect(pid).toBeDefined();
    await order('Restart talking-1', 'Generation 1 takes no new work and ends; then generation 2 starts.');
    await page.getByText('generation 2', { exact: true }).waitFor();
    const other = await until(() => pidOf('talking-1'), 'talking-1 has a process', WITHIN_MS);
    expect(other).not.toBe(pid);
    await hasStatus('talking-1', 'IDLE');
  });

  it('quarantines and releases, stops and starts an agent', async () => {
    await open('/fleet/talking-1');
    await order('Quarantine talking-1', /^It is given no more work/);
    await page.getByRole('button', { name: 'Release talking-1' }).waitFor();
    expect((await agent('talking-1')).status).toBe('QUARANTINED');
    expect(await page.getByRole('button', { name: 'Restart talking-1' }).isDisabled()).toBe(true);
    await page.getByText('Restart: It is quarantined: release it first.').waitFor();
    await order('Release talking-1', /^Its quarantine ends/);
    await page.getByRole('button', { name: 'Quarantine talking-1' }).waitFor();
    await order('Stop talking-1', /^It takes no new work, and ends\. It stays stopped/);
    await hasStatus('talking-1', 'TERMINATED');
    await until(() => pidOf('talking-1') === undefined, 'its process has gone', WITHIN_MS);
    await page.getByText('Stop: It does not run.', { exact: false }).waitFor();
    await order('Restart talking-1', 'Generation 2 has ended; generation 3 starts.');
    await hasStatus('talking-1', 'IDLE');
  });

  it('asks an external agent to leave, strikes it from the list, and folds its pool where nobody is left', async () => {
    const body = {
      agent_id: 'laptop-1',
      agent_type: 'worker',
      pool_id: 'laptops',
      nonce: 'nonce of it',
      heartbeat_interval_ms: 300_000,
    };
    const { generation } = await admin.read<{ generation: number }>('/api/v1/fleet/agents', {
      method: 'POST',
      body,
    });
    await open('/fleet/laptop-1');
    await page.getByText(/^Somebody else started it/).waitFor();
    expect(await page.getByRole('button', { name: 'Restart laptop-1' }).count()).toBe(0);
    await order(
      'Drain laptop-1',
      /^Its next heartbeat tells it to leave: .* Nothing ends it where it does not/,
    );
    await page.getByText('Drain: It has been asked to leave already.', { exact: false }).waitFor();
    const beat = { method: 'POST', body: { generation, sequence: 1 } };
    expect(await admin.read('/api/v1/fleet/agents/laptop-1/heartbeat', beat)).toMatchObject({
      desired: 'drain',
    });
    await order('Strike from the list laptop-1', /^It leaves the fleet/);
    await hasStatus('laptop-1', 'TERMINATED');
    await open('/fleet');
    await page.getByText('Ended: 1 pool, 1 agent', { exact: true }).click();
    await panel('Ended pool laptops').getByRole('link', { name: 'laptop-1' }).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('finds every order, and what an id names, from the keyboard', async () => {
    await open('/fleet');
    const { generation } = await agent('talking-1');
    const find = page.getByRole('combobox', { name: /^Find a page/ });
    const options = page.getByRole('listbox', { name: 'Found' }).getByRole('option');
    await page.getByRole('heading', { level: 1, name: 'Fleet' }).waitFor();
    await page.keyboard.press('Control+k');
    await find.fill('talking-1');
    for (const name of ['Restart', 'Quarantine', 'Stop'])
      await options.filter({ hasText: `${name} talking-1` }).waitFor();
    await find.fill('restart talking-1');
    await options.first().filter({ hasText: 'Restart talking-1' }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByText(`then generation ${generation + 1} starts.`, { exact: false }).waitFor();
    await page.getByRole('button', { name: 'Restart talking-1' }).click();
    await until(
      async () => (await agent('talking-1')).generation === generation + 1,
      'talking-1 has another generation',
      WITHIN_MS,
    );
    const body = { task_type: 'dig', phase_id: 'PHASE_TESTING' };
    const { task } = await admin.read<{ task: { task_id: string } }>('/api/v1/fleet/tasks', {
      method: 'POST',
      body,
    });
    await page.keyboard.press('Control+k');
    await find.fill(task.task_id);
    await options
      .first()
      .filter({ hasText: `dig ${task.task_id.slice(-6)}` })
      .waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: `dig ${task.task_id.slice(-6)}` }).waitFor();
    await admin.read(`/api/v1/fleet/tasks/${task.task_id}/cancel`, { method: 'POST', body: {} });
  });

  it('approves one repair, whose process really restarts, and rejects another', async () => {
    await hasStatus('asking-1', 'IDLE');
    await hasStatus('asking-2', 'IDLE');
    const pid = pidOf('asking-1') ?? 0;
    process.kill(pid, 'SIGKILL');
    process.kill(pidOf('asking-2') ?? 0, 'SIGKILL');
    await open('/repairs?show=approve');
    const rows = panel('Repairs').getByRole('list', { name: 'Repairs' }).getByRole('listitem');
    for (const [agentId, decision, outcome] of [
      ['asking-1', 'Approve', 'healed'],
      ['asking-2', 'Reject', 'cancelled'],
    ] as const) {
      await open('/repairs');
      await rows.filter({ hasText: agentId }).getByRole('link', { name: 'restart asking' }).click();
      await page.getByRole('heading', { level: 1, name: `restart asking on ${agentId}` }).waitFor();
      await order(
        `${decision} restart asking on ${agentId}`,
        new RegExp(`^(The watchdog begins|Nothing is done) .*agent ${agentId}`),
      );
      await page.getByText(outcome, { exact: true }).first().waitFor();
    }
    await panel('Evidence').getByText('ended with SIGKILL').waitFor();
    await panel('End of the output of generation 1 of asking-2')
      .getByText(/nothing to do \d+$/)
      .waitFor();
    expect(pidOf('asking-1')).not.toBe(pid);
    expect((await agent('asking-1')).generation).toBe(2);
    expect(await agent('asking-2')).toMatchObject({ status: 'FAILED', generation: 1 });
    await page
      .getByRole('list', { name: 'Events of this repair, newest first' })
      .getByText(/cancelled$/)
      .waitFor();
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('shows what an agent that failed put out last, and what an earlier generation did', async () => {
    const repair = page.url();
    await open('/fleet/asking-2');
    await page
      .getByRole('log', { name: 'Output of asking-2' })
      .getByText(/nothing to do \d/)
      .waitFor();
    await open('/fleet/asking-1');
    await panel('Generations').getByText('Last output', { exact: true }).click();
    await panel('End of the output of generation 1 of asking-1')
      .getByText(/nothing to do \d+$/)
      .waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.goto(repair);
  });

  it('shows an alert with its condition, value and repair, acknowledges it, and ends it', async () => {
    // The one whose repair was rejected.
    await page.getByRole('link', { name: 'AgentFailed', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'AgentFailed' }).waitFor();
    await page.getByLabel('Expression').filter({ hasText: 'agent_status' }).waitFor();
    await page
      .getByRole('img', { name: /^Value: 1 now, at most 1 in the last 15m, held against == 1$/ })
      .waitFor();
    await page
      .getByRole('list', { name: 'Timeline, oldest first' })
      .getByText('AgentFailed of asking-2 fires')
      .waitFor();
    await panel('Repairs').getByRole('link', { name: 'restart asking' }).waitFor();
    await page.getByRole('button', { name: 'Acknowledge AgentFailed' }).click();
    await page.getByText(/^Acknowledged by operator \d+\.$/).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await order('Resolve AgentFailed', /^The alert ends now, by hand/);
    await page.getByText(/ended .* ago: manual$/).waitFor();
    const id = new URL(page.url()).pathname.split('/').at(-1);
    expect(await admin.read(`/api/v1/alerts/${id}`)).toMatchObject({ state: 'resolved', cause: 'manual' });
  });

  it('shows what is about to fire: its condition, value and when', async () => {
    await open('/alerts');
    await panel('Pending').getByRole('link', { name: 'FleetIsThere' }).first().click();
    await page.getByRole('heading', { level: 1, name: 'FleetIsThere' }).waitFor();
    await page.getByText(/pending for .*; fires in 5\d?m.* if it goes on$/).waitFor();
    await page.getByText(/^there are \d+ agents$/).waitFor();
    await page.getByLabel('Expression').filter({ hasText: 'sum by (agent_type)' }).waitFor();
    await page.getByText('patience/FleetIsThere of patience.yaml fires when it has held for 1h.').waitFor();
    await page.getByRole('img', { name: /^Value: \d+ now, .*held against > 0$/ }).waitFor();
    await panel('About')
      .getByText(/^\d+, threshold 0$/)
      .waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await open('/alerts/pending/nothing');
    await page.getByText(/^Its condition does not hold any more/).waitFor();
  });

  it('pauses the watchdog with a reason, and lets it go on', async () => {
    await open('/repairs');
    const states = () =>
      admin.read<{ states: { state: string; reason: string }[] }>('/api/v1/watchdog/state');
    await page.getByRole('button', { name: 'Pause the watchdog' }).click();
    const question = page.getByRole('dialog', { name: 'Pause the watchdog' });
    await question.getByLabel('Reason').fill('moving house');
    await question.getByRole('button', { name: 'Pause the watchdog' }).click();
    await panel('Watchdog')
      .getByText(/moving house/)
      .waitFor();
    expect((await states()).states).toMatchObject([{ state: 'paused' }]);
    await order('Resume the watchdog', /^What was held back is decided again/);
    await panel('Watchdog').getByText('on watch').waitFor();
    expect((await states()).states).toEqual([]);
  });

  it('enqueues a task, shows its life, cancels it, and retries one that failed', async () => {
    await open('/tasks');
    const form = panel('Enqueue a task');
    await form.getByRole('button', { name: 'Enqueue' }).click();
    await form.getByText('What kind of task?', { exact: false }).waitFor();
    await form.getByLabel('Type').fill('dig');
    await form.getByLabel('Payload (JSON)').fill('{"deep": 2}');
    await form.getByRole('button', { name: 'Enqueue' }).click();
    await form.getByRole('status').getByRole('link', { name: /^dig / }).click();
    await page.getByText('"deep": 2').waitFor();
    const life = page.getByRole('list', { name: 'Life of this task, oldest first' });
    await life.getByText(/^dig \w{6} enqueued$/).waitFor();
    const taskId = new URL(page.url()).pathname.split('/').at(-1) ?? '';
    const name = `dig ${taskId.slice(-6)}`;
    await order(`Cancel ${name}`, /^It ends for good/);
    await page.getByText('cancelled', { exact: true }).waitFor();
    await life.getByText(/cancelled$/).waitFor();
    expect(await seriousFindings(page)).toEqual([]);

    const worker = {
      agent_id: 'digger-1',
      agent_type: 'worker',
      nonce: 'nonce of digger',
      heartbeat_interval_ms: 300_000,
    };
    const { generation } = await admin.read<{ generation: number }>('/api/v1/fleet/agents', {
      method: 'POST',
      body: worker,
    });
    const body = { task_type: 'dig', phase_id: 'PHASE_TESTING' };
    const { task } = await admin.read<{ task: { task_id: string } }>('/api/v1/fleet/tasks', {
      method: 'POST',
      body,
    });
    const holder = { agent_id: 'digger-1', generation };
    await admin.read('/api/v1/fleet/tasks/claim', {
      method: 'POST',
      body: { ...holder, task_types: ['dig'] },
    });
    await open('/tasks?state=running');
    await page.getByRole('link', { name: `dig ${task.task_id.slice(-6)}` }).click();
    await page.getByRole('button', { name: /^Take it back/ }).waitFor();
    const failed = { ...holder, error: 'hit a rock', retry: false };
    await admin.read(`/api/v1/fleet/tasks/${task.task_id}/fail`, { method: 'POST', body: failed });
    await page.getByText(/hit a rock\.$/).waitFor();
    await order(`Retry dig ${task.task_id.slice(-6)}`, /^It is queued again with all its/);
    await page.getByText('queued', { exact: true }).waitFor();
    expect(await admin.read(`/api/v1/fleet/tasks/${task.task_id}`)).toMatchObject({ state: 'queued' });
  });

  it('shows tasks that have ended as far back as they are kept, page by page', async () => {
    const tasks = Array.from({ length: ENDED_TASKS }, () => ({ task_type: 'sow', phase_id: 'PHASE_DESIGN' }));
    const made = await admin.read<{ tasks: { task_id: string }[] }>('/api/v1/fleet/tasks/batch', {
      method: 'POST',
      body: { tasks },
    });
    const cancel = (taskId: string) =>
      admin.read(`/api/v1/fleet/tasks/${taskId}/cancel`, { method: 'POST', body: {} });
    const [last = '', ...others] = made.tasks.map(({ task_id: id }) => id).toReversed();
    await Promise.all(others.map(cancel));
    await cancel(last);
    await open('/tasks?state=finished&phase=PHASE_DESIGN');
    const rows = page
      .getByRole('list', { name: 'Tasks that ended, the newest first' })
      .getByRole('link', { name: /^sow \w{6}$/ });
    await page.getByText('The first 50 tasks that ended, the newest first.').waitFor();
    expect(await rows.count()).toBe(50);
    await page.getByRole('button', { name: /^Show more/ }).click();
    await expect.poll(() => rows.count(), { timeout: WITHIN_MS }).toBe(ENDED_TASKS);
    expect(await rows.first().textContent()).toBe(`sow ${last.slice(-6)}`);
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('says which tasks nobody serves, on the overview and among the tasks, until somebody does', async () => {
    const body = { task_type: 'dgi', phase_id: 'PHASE_TESTING' };
    const { task } = await admin.read<{ task: { task_id: string } }>('/api/v1/fleet/tasks', {
      method: 'POST',
      body,
    });
    const said = /^1 task of type "dgi" waits: no living agent claims it/;
    for (const path of ['/', '/tasks']) {
      await open(path);
      await page.getByRole('group', { name: 'warning about tasks' }).getByText(said).waitFor();
    }
    await page
      .getByRole('listitem')
      .getByText(/^no living agent claims it/)
      .waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByRole('link', { name: `dgi ${task.task_id.slice(-6)}` }).click();
    await page.getByText(/It waits: no living agent claims it/).waitFor();
    const worker = { agent_id: 'digger-2', agent_type: 'worker', nonce: 'nonce of digger' };
    await admin.read('/api/v1/fleet/agents', {
      method: 'POST',
      body: { ...worker, capabilities: ['dgi'], heartbeat_interval_ms: 300_000 },
    });
    await open('/tasks');
    await page.getByRole('link', { name: `dgi ${task.task_id.slice(-6)}` }).waitFor();
    await page.getByText(/no living agent claims it/).waitFor({ state: 'detached' });
  });

  it('finds agents by what is typed, and keeps it in the address', async () => {
    await open('/fleet');
    const tiles = page.getByRole('link', { name: /^(talking|asking|digger)-\d, / });
    await tiles.nth(3).waitFor();
    await page.getByRole('searchbox', { name: 'Find agents' }).fill('talk');
    await expect.poll(() => tiles.count(), { timeout: WITHIN_MS }).toBe(1);
    await page.reload();
    await tiles.first().waitFor();
    expect(await tiles.count()).toBe(1);
    expect(await page.getByRole('searchbox', { name: 'Find agents' }).inputValue()).toBe('talk');
    await page.getByRole('searchbox', { name: 'Find agents' }).fill('');
    await page.getByRole('link', { name: /^in trouble/ }).click();
    await page.getByRole('link', { name: /^asking-2, / }).waitFor();
    expect(await tiles.count()).toBe(1);
    expect(new URL(page.url()).search).toBe('?show=sick');
    await tiles.first().click();
    await page.getByRole('heading', { level: 1, name: 'asking-2' }).waitFor();
  });

  it('draws what an agent uses, and how long its tasks take', async () => {
    const worker = { agent_id: 'digger-3', agent_type: 'worker', nonce: 'nonce of digger' };
    const pace = { heartbeat_interval_ms: 300_000, capabilities: ['bore'] };
    const post = (path: string, body: object) =>
      admin.read<{ tasks: readonly { task_id: string }[] }>(`/api/v1/fleet/${path}`, {
        method: 'POST',
        body,
      });
    await post('agents', { ...worker, ...pace });
    const holder = { agent_id: 'digger-3', generation: 1 };
    const counted = async (done: number) => {
      const query = encodeURIComponent('sum(tasks_completed_total{agent_id="digger-3"})');
      const { data } = await admin.read<{
        data: { result: readonly { value: readonly [number, string] }[] };
      }>(`/prometheus/api/v1/query?query=${query}`);
      return data.result[0]?.value[1] === String(done);
    };
    // Two samples at least, of which a rate is made.
    for (const done of [1, 2]) {
      await post('tasks', { task_type: 'bore', phase_id: 'PHASE_TESTING' });
      const { tasks } = await post('tasks/claim', { ...holder, wait_ms: 10_000 });
      await post(`tasks/${tasks[0]?.task_id}/complete`, holder);
      await until(() => counted(done), `${done} tasks are counted`, WITHIN_MS);
    }
    await open('/fleet/digger-3');
    await page.getByRole('img', { name: /^Time for a task: .*, at most \d+\w+ in the last/ }).waitFor();
    await page.getByRole('img', { name: /^Memory: none now, at most none/ }).waitFor();
    // Its process is looked at every 15 s.
    await open('/fleet/asking-1');
    await page.getByRole('img', { name: /^Memory: [\d,.]+ MB now, at most [\d,.]+ MB/ }).waitFor();
    await page.getByRole('img', { name: /^CPU: [\d.]+ % now, at most [\d.]+ %/ }).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('offers a viewer nothing that they may not do, and says why', async () => {
    page = await visits.as('viewer');
    const { alerts } = await admin.read<{ alerts: { id: string }[] }>('/api/v1/alerts?limit=1');
    const { tasks } = await admin.read<{ tasks: { task_id: string }[] }>(
      '/api/v1/fleet/tasks?state=queued&limit=1',
    );
    for (const [path, why] of [
      ['/fleet/talking-1', 'An operator may restart, stop, drain or quarantine it; you may look.'],
      ['/repairs', 'An operator may pause it, and let it go on.'],
      ['/tasks', 'An operator may enqueue, retry and cancel tasks; you may look.'],
      [`/tasks/${tasks[0]?.task_id}`, 'An operator may retry or cancel it; you may look.'],
    ] as const) {
      await open(path);
      await page.getByText(why).waitFor();
      const orders = page.getByRole('button', {
        name: /^(Restart|Stop|Drain|Quarantine|Strike|Pause|Resume|Enqueue|Cancel|Retry|Approve|Reject|Resolve|Acknowledge)/,
      });
      expect(await orders.count()).toBe(0);
    }
    await open(`/alerts/${alerts[0]?.id}`);
    await page.getByRole('heading', { level: 2, name: 'Condition' }).waitFor();
    expect(await page.getByRole('button', { name: /^(Acknowledge|Resolve)/ }).count()).toBe(0);
  });
});
