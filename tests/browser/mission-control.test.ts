import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Client } from '../acceptance/support/client.ts';
import { dataDirectory, OmoiServer } from '../acceptance/support/omoi-process.ts';
import { seriousFindings } from './axe.ts';
import { chromiumForTests, openBrowser } from './chromium.ts';
import { DESKTOP, PHONE, Visits } from './visits.ts';

const program = chromiumForTests();

const WITHIN_MS = 30_000;
const SCHEMES = [
  { colorScheme: 'light', background: 'rgb(245, 246, 248)' },
  { colorScheme: 'dark', background: 'rgb(12, 16, 20)' },
] as const;

describe.skipIf(program === null)('mission control', () => {
  const directory = dataDirectory();
  let server: OmoiServer;
  let admin: Client;
  let browser: Browser;
  let visits: Visits<'admin' | 'nobody'>;
  let page: Page;
  let pageErrors: string[];

  beforeAll(async () => {
    server = await OmoiServer.start(directory.path, { demo: true });
    admin = new Client(() => server.url, server.adminToken);
    browser = await openBrowser(program ?? '');
    visits = new Visits(browser, {
      withinMs: WITHIN_MS,
      logIn: (opened, visitor) => {
        listenForErrors(opened);
        return visitor === 'admin' ? logIn(opened) : Promise.resolve();
      },
    });
  });

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    directory.remove();
  });

  beforeEach(() => {
    pageErrors = [];
  });

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await visits.end();
    expect(pageErrors).toEqual([]);
  });

  function listenForErrors(opened: Page): void {
    opened.on('pageerror', (error) => pageErrors.push(error.message));
    opened.on('console', (message) => {
      // What a browser says of an answer with an error status is no error of the page.
      const ofAnAnswer = message.text().startsWith('Failed to load resource');
      if (message.type() === 'error' && !ofAnAnswer) pageErrors.push(message.text());
    });
  }

  async function logIn(opened: Page): Promise<void> {
    const { path } = await admin.read<{ path: string }>('/api/v1/login-links', { method: 'POST' });
    await opened.goto(`${server.url}${path}`);
    await opened.getByRole('heading', { name: 'Fleet' }).waitFor();
  }

  const mintToken = (name: string) => admin.makeToken({ name, role: 'viewer' });

  async function pidOf(agentId: string): Promise<number> {
    const { pools } = await admin.read<{
      pools: { replicas: { agent_id: string; pid: number | null }[] }[];
    }>('/api/v1/fleet/pools');
    const replica = pools.flatMap(({ replicas }) => replicas).find(({ agent_id: id }) => id === agentId);
    if (!replica?.pid) throw new Error(`${agentId} has no process`);
    return replica.pid;
  }

  const tile = (agentId: string) => page.getByRole('link', { name: new RegExp(`^${agentId},`) });

  it('asks who is there, takes a token, and goes on to where one wanted to go', async () => {
    page = await visits.as('nobody');
    const { id, secret } = await mintToken('somebody');
    await page.goto(`${server.url}/?events=fleet`);
    await page.getByRole('heading', { name: 'Log in to Omoi' }).waitFor();
    await page.getByLabel('Token', { exact: true }).fill('omoi_viewer_wrong');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('the token is malformed, unknown, expired or revoked').waitFor();
    await page.getByLabel('Token', { exact: true }).fill(secret);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('heading', { name: 'Fleet' }).waitFor();
    expect(new URL(page.url()).search).toBe('?events=fleet');
    expect(await page.getByRole('button', { name: /^Acknowledge/ }).count()).toBe(0);

    await admin.read(`/api/v1/tokens/${id}`, { method: 'DELETE' });
    await page.getByRole('heading', { name: 'Log in to Omoi' }).waitFor();
  });

  // The first on its page: nothing of it has had the focus.
  it('is reached by the keyboard: the content first, then every control', async () => {
    page = await visits.as('admin');
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').textContent()).toBe('Skip to the content');
    const unnamed = await page
      .locator('button, a, input')
      .evaluateAll((controls) =>
        controls
          .filter(
            (control) =>
              !control.textContent?.trim() &&
              !control.getAttribute('aria-label') &&
              !control.closest('label') &&
              !control.id,
          )
          .map((control) => control.outerHTML),
      );
    expect(unnamed).toEqual([]);
  });

  it('shows the fleet live, and every agent in detail', async () => {
    page = await visits.as('admin');
    await page.getByText('Live', { exact: true }).waitFor();
    for (const agentId of ['demo-1', 'demo-2', 'demo-3', 'demo-4']) await tile(agentId).waitFor();
    await page.getByRole('img', { name: /^Implementation: \d+ waiting now/ }).waitFor();
    await tile('demo-1').click();
    const details = page.getByRole('dialog', { name: 'demo-1' });
    await details.getByText('worker, started by Omoi').waitFor();
    // Durations as the server writes them, here and in its own sentences.
    await details.getByText(/^every \S+, unresponsive after \d\S+$/).waitFor();
    await details.getByText(/\(due every \S+, silent after \d\S+\)/).waitFor();
    expect(new URL(page.url()).searchParams.get('agent')).toBe('demo-1');
    await page.keyboard.press('Escape');
    await details.waitFor({ state: 'hidden' });
    expect(new URL(page.url()).search).toBe('');
  });

  it('shows what is under maintenance at once, and ends it', async () => {
    page = await visits.as('admin');
    const maintenances = page.getByRole('region', { name: 'Under maintenance' });
    expect(await maintenances.count()).toBe(0);
    for (const target of ['pool:demo', 'agent:demo-feeder-1']) {
      const body = { target, duration_ms: 600_000, reason: 'new disks' };
      await admin.read('/api/v1/watchdog/maintenance', { method: 'POST', body });
    }
    await maintenances.getByText(/pool demo is left alone by .*: new disks\. Ends by itself in 9m/).waitFor();
    const fleet = page.getByRole('region', { name: 'Fleet' });
    await fleet.getByText(/^under maintenance by /).waitFor();
    await page.getByRole('link', { name: /^demo-feeder-1, .*, under maintenance$/ }).waitFor();
    await page.getByRole('button', { name: 'End the maintenance of pool demo' }).click();
    await fleet.getByText(/^under maintenance by /).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'End the maintenance of agent demo-feeder-1' }).click();
    await maintenances.waitFor({ state: 'detached' });
  });

  it('says on a phone why an agent stands so, then what it did, then what it is', async () => {
    page = await visits.as('admin');
    await page.setViewportSize(PHONE);
    await page.goto(`${server.url}/fleet/demo-1`);
    const topOf = async (name: string): Promise<number> => {
      const panel = page.getByRole('region', { name, exact: true });
      await panel.waitFor();
      return (await panel.boundingBox())?.y ?? Number.NaN;
    };
    const tops = [];
    for (const name of ['Why', 'Repairs', 'Activity', 'Events', 'About', 'Generations'])
      tops.push(await topOf(name));
    expect(tops.every(Number.isFinite)).toBe(true);
    expect(tops).toEqual(tops.toSorted((a, b) => a - b));
    await page.goto(server.url);
  });

  it('shows on a phone what needs a person first, and folds the rest', async () => {
    page = await visits.as('admin');
    await page.setViewportSize(PHONE);
    await page.goto(server.url);
    await page.getByRole('region', { name: 'Needs you' }).waitFor();
    for (const name of ['Repairs', 'Fleet', 'Queue', 'Events']) {
      const title = page
        .getByRole('region', { name, exact: true })
        .getByRole('button', { name, exact: true });
      await title.waitFor();
      expect(await title.getAttribute('aria-expanded')).toBe('false');
    }
    await page.getByText(/^\d+ of \d+ alive$/).waitFor();
    // Two screens at the most, whatever there is of it.
    const height = await page.locator('html').evaluate((html) => html.scrollHeight);
    expect(height).toBeLessThan(2 * PHONE.height);
    expect(await seriousFindings(page)).toEqual([]);
  });

  it.each([
    { name: 'a phone', viewport: PHONE },
    // The last, since the tests that follow are of a desk.
    { name: 'a desktop', viewport: DESKTOP },
  ])('fits on $name, in light and dark', async ({ viewport }) => {
    page = await visits.as('admin');
    await page.setViewportSize(viewport);
    const fold = page.getByRole('button', { name: 'Fleet', exact: true });
    if (viewport === PHONE) await fold.click();
    await tile('demo-1').waitFor();
    expect(await fold.count()).toBe(viewport === PHONE ? 1 : 0);
    for (const { colorScheme, background } of SCHEMES) {
      await page.emulateMedia({ colorScheme });
      await expect
        .poll(
          () =>
            page
              .locator('body')
              .evaluate((body) => body.computedStyleMap().get('background-color')?.toString()),
          { timeout: WITHIN_MS },
        )
        .toBe(background);
      const width = await page.locator('html').evaluate((html) => html.scrollWidth);
      expect(width).toBeLessThanOrEqual(viewport.width);
    }
  });

  it('shows a worker that hangs, its repair, and the trace of it all, without being reloaded', async () => {
    page = await visits.as('admin');
    await tile('demo-3').waitFor();
    process.kill(await pidOf('demo-3'), 'SIGSTOP');
    const events = page.getByRole('list', { name: 'Events, newest first' });
    await events.getByText(/^AgentStalled of demo-3 fires/).waitFor();
    await page.getByRole('link', { name: /^demo-3, .*generation 2/ }).waitFor();
    await events.getByText(/on demo-3: healed$/).waitFor();

    const repairs = page.getByRole('region', { name: 'Repairs' });
    await repairs.getByText('restart: generation 2 should run').waitFor();
    for (const [panel, link, path] of [
      ['Repairs', 'restart stalled agent', '/repairs/'],
      ['Alerts', 'AgentStalled demo-3', '/alerts/'],
    ] as const) {
      await page
        .getByRole('region', { name: panel })
        .getByRole('link', { name: link, exact: true })
        .first()
        .click();
      await page.getByRole('heading', { level: 1, name: link.split(' ')[0] ?? '' }).waitFor();
      expect(new URL(page.url()).pathname.startsWith(path)).toBe(true);
      expect(await seriousFindings(page)).toEqual([]);
      await page.goBack();
    }
    await repairs.getByRole('link', { name: /^Trace of .* on demo-3$/ }).click();
    await page.getByRole('heading', { level: 1, name: 'AgentStalled of demo-3', exact: true }).waitFor();
    for (const span of [
      'telemetry.append',
      'alerting.alert',
      'watchdog.remediation',
      'watchdog.step.restart',
    ]) {
      await page.getByRole('link', { name: new RegExp(`^${span.replaceAll('.', '\\.')},`) }).waitFor();
    }
    await page.getByRole('link', { name: /^watchdog\.step\.restart,/ }).click();
    await page.getByRole('heading', { name: 'watchdog.step.restart' }).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('shows what an agent works on, and for how long it may', async () => {
    const agent = {
      agent_id: 'auditor-1',
      agent_type: 'worker',
      nonce: 'nonce of the auditor',
      heartbeat_interval_ms: 60_000,
      pool_id: 'auditors',
    };
    const { generation } = await admin.read<{ generation: number }>('/api/v1/fleet/agents', {
      method: 'POST',
      body: agent,
    });
    const limits = [3_600_000, null];
    for (const time_limit_ms of limits) {
      const task = { task_type: 'audit', phase_id: 'PHASE_DESIGN', pool_id: 'auditors', time_limit_ms };
      await admin.read('/api/v1/fleet/tasks', { method: 'POST', body: task });
    }
    const claim = {
      agent_id: agent.agent_id,
      generation,
      max_tasks: limits.length,
      // Those of the demo are for agents of any pool.
      own_pool_only: true,
      lease_ms: 600_000,
    };
    const { tasks } = await admin.read<{ tasks: readonly { task_id: string }[] }>(
      '/api/v1/fleet/tasks/claim',
      { method: 'POST', body: claim },
    );
    expect(tasks).toHaveLength(limits.length);
    page = await visits.as('admin');
    const asked = new Set<string>();
    page.on('request', (request) => asked.add(request.url()));
    await page.goto(`${server.url}/?agent=${agent.agent_id}`);
    const held = page.getByRole('list', { name: 'Tasks of auditor-1' }).getByRole('listitem');
    await held.filter({ hasText: /audit \w{6} for .*, limit 1h$/ }).waitFor();
    await held.filter({ hasText: /audit \w{6} for .*, no time limit$/ }).waitFor();
    // What is shown of an agent is all of one moment.
    const aboutIt = [...asked].filter((url) => url.includes('/api/') && url.includes(agent.agent_id));
    expect(aboutIt).toEqual([`${server.url}/api/v1/fleet/agents/${agent.agent_id}/why`]);
  });
});
