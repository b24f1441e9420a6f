import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Client } from '../acceptance/support/client.ts';
import { dataDirectory, OmoiServer } from '../acceptance/support/omoi-process.ts';
import { until } from '../acceptance/support/until.ts';
import { workersOf } from '../acceptance/support/workers.ts';
import { chromiumForTests, openBrowser } from './chromium.ts';
import { logInWithToken, type Visitor } from './log-in.ts';
import { Visits } from './visits.ts';

const program = chromiumForTests();
const WITHIN_MS = 60_000;

describe.skipIf(program === null)('what needs a person', () => {
  const directory = dataDirectory();
  let server: OmoiServer;
  let admin: Client;
  let browser: Browser;
  let visits: Visits<Visitor['role']>;
  let page: Page;

  beforeAll(async () => {
    server = await OmoiServer.start(directory.path, { demo: true });
    admin = new Client(() => server.url, server.adminToken);
    browser = await openBrowser(program ?? '');
    let tokens = 0;
    visits = new Visits(browser, {
      withinMs: WITHIN_MS,
      logIn: (opened, role) =>
        logInWithToken(opened, { url: server.url, admin }, { name: `${role} ${++tokens}`, role }),
    });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    directory.remove();
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await visits.end();
  });

  async function visitAs(role: Visitor['role']): Promise<void> {
    page = await visits.as(role);
  }

  const panel = () => page.getByRole('region', { name: 'Needs you' });

  it('says so where nothing does', async () => {
    await visitAs('viewer');
    await panel().getByText('Nothing waits for a person.').waitFor();
  });

  it('shows a pool whose new definition does not work, until somebody changes it', async () => {
    const waits = [process.execPath, '-e', 'setInterval(() => {}, 1000)'];
    const pool = { pool_id: 'sleepers', command: waits, desired: 2, max: 2 };
    await admin.read('/api/v1/fleet/pools', { method: 'POST', body: pool });
    const change = (command: readonly string[]): Promise<unknown> =>
      admin.read('/api/v1/fleet/pools/sleepers', { method: 'PATCH', body: { command } });
    await change([process.execPath, '-e', 'process.exit(3)']);
    await visitAs('viewer');
    const stopped = panel().getByRole('listitem').filter({ hasText: 'pool sleepers' });
    await stopped
      .getByText(/^Its new definition does not work: generation \d of sleepers-\d ended with code 3 before/)
      .waitFor();
    await page.getByRole('region', { name: 'Fleet' }).getByText('new definition stopped').waitFor();
    await change(waits);
    await stopped.waitFor({ state: 'hidden' });
    await admin.read('/api/v1/fleet/pools/sleepers', { method: 'DELETE' });
  });

  it('shows a pause with its reason, holds a repair by it, and ends it by a button of an operator', async () => {
    const reason = 'moving the database';
    await admin.read('/api/v1/watchdog/pause', { method: 'POST', body: { reason } });
    await visitAs('viewer');
    const banner = page.getByRole('group', { name: 'paused' });
    await banner.getByText(reason).waitFor();
    expect(await page.getByRole('button', { name: 'Resume' }).count()).toBe(0);

    const pid = await until(
      () =>
        workersOf({ url: server.url, directory: directory.path }).find(({ agentId }) => agentId === 'demo-2')
          ?.pid,
      'demo-2 has a process',
    );
    process.kill(pid, 'SIGSTOP');
    const repairs = page.getByRole('region', { name: 'Repairs' });
    // Whatever else is ill meanwhile is held back as well.
    const held = repairs.getByText(
      /^Held back by the guard paused: paused by .*Lifts when somebody resumes\./,
    );
    await held.first().waitFor();

    await visitAs('operator');
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('group', { name: 'paused' }).waitFor({ state: 'hidden' });
    // Each repair says for itself what it saw: another one may have been held back and let go as well.
    const why = page.getByLabel('Why it acted: restart stalled agent on demo-2');
    const told = page.getByRole('region', { name: 'Repairs' }).getByRole('listitem').filter({ has: why });
    await told.getByText(/^healed: generation 2 is (IDLE|RUNNING), healthy for/).waitFor();
    await why.click();
    await told.getByText(/^agent demo-2: generation 1 is STALLED/).waitFor();
    await told.getByText('Was held back by the guard paused.').waitFor();
    await told.getByText('nobody has paused the watchdog').waitFor();
  });

  it('shows a parked task with the last output of its holder, and takes it back by a button', async () => {
    // Losses right after a start are held against no task.
    await until(
      async () => {
        const { text } = await admin.call('/metrics');
        return (
          [...text.matchAll(/^tasks_completed_total\{.*\} (\d+)/gm)].reduce(
            (sum, [, n]) => sum + Number(n),
            0,
          ) > 60
        );
      },
      'the fleet has worked for a while',
      WITHIN_MS,
    );
    const body = {
      task_type: 'fetch',
      phase_id: 'PHASE_TESTING',
      priority: 5,
      payload: { poison: true },
      max_attempts: 1,
    };
    const { task } = await admin.read<{ task: { task_id: string } }>('/api/v1/fleet/tasks', {
      method: 'POST',
      body,
    });
    const name = `fetch ${task.task_id.slice(-6)}`;
    await visitAs('operator');
    const parked = panel().getByRole('listitem').filter({ hasText: name });
    await parked
      .getByText(/^1 of 1 attempts used up: agent demo-\d generation \d was ended by SIG[A-Z]+$/)
      .waitFor();
    await parked.getByLabel(`Last output of ${name}`).click();
    await parked.locator('pre').waitFor();
    const link = parked.getByRole('link', { name });
    await link.click();
    const details = page.getByRole('dialog', { name: /^demo-\d$/ });
    await details.getByRole('heading', { name: 'What you can do' }).waitFor();
    await details.getByText(`omoi tasks retry ${task.task_id}`, { exact: false }).waitFor();
    await details.getByRole('button', { name: 'Close' }).click();
    await details.waitFor({ state: 'hidden' });

    await panel()
      .getByRole('button', { name: `Cancel ${name}` })
      .click();
    await parked.waitFor({ state: 'hidden' });
    const { state } = await admin.read<{ state: string }>(`/api/v1/fleet/tasks/${task.task_id}`);
    expect(state).toBe('cancelled');
  });
});
