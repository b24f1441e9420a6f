import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { Client } from '../acceptance/support/client.ts';
import { dataDirectory, OmoiServer } from '../acceptance/support/omoi-process.ts';
import { until } from '../acceptance/support/until.ts';
import { workersOf } from '../acceptance/support/workers.ts';
import { chromiumForTests, openBrowser } from './chromium.ts';
import { DESK, PHONE } from './visits.ts';

const DIRECTORY = '.omoi/screenshots';
const LOOKS = [
  { look: 'light', colorScheme: 'light', viewport: DESK },
  { look: 'dark', colorScheme: 'dark', viewport: DESK },
  { look: 'phone', colorScheme: 'light', viewport: PHONE },
  { look: 'phone-dark', colorScheme: 'dark', viewport: PHONE },
] as const;
const DEMO_AGENTS = 6;
const WITHIN_MS = 60_000;

interface FirstOf {
  readonly alerts: readonly { readonly id: string }[];
  readonly remediations: readonly { readonly id: string; readonly trace_id: string | null }[];
  readonly tasks: readonly { readonly task_id: string }[];
}

/** The demo with so many agents, one of which hangs and is repaired: something of everything to look at. */
async function photograph(browser: Browser, agents: number): Promise<void> {
  const data = dataDirectory();
  const server = await OmoiServer.start(data.path, { demo: true });
  const admin = new Client(() => server.url, server.adminToken);
  try {
    for (let at = DEMO_AGENTS; at < agents; at++) {
      const agentId = `builder-${at - DEMO_AGENTS + 1}`;
      const body = {
        agent_id: agentId,
        agent_type: 'worker',
        pool_id: 'builders',
        nonce: `nonce of ${agentId}`,
      };
      await admin.read('/api/v1/fleet/agents', {
        method: 'POST',
        body: { ...body, heartbeat_interval_ms: 300_000 },
      });
    }
    await hang(server, data.path, 'demo-3');
    await until(
      async () =>
        (await admin.read<FirstOf>('/api/v1/watchdog/remediations?target_id=demo-3')).remediations.length > 0,
      'demo-3 is repaired',
      WITHIN_MS,
    );
    const pages = await pagesOf(admin);
    const directory = join(DIRECTORY, String(agents));
    mkdirSync(directory, { recursive: true });
    for (const { look, colorScheme, viewport } of LOOKS) {
      const context = await browser.newContext({ colorScheme, viewport });
      const page = await context.newPage();
      await page.goto(`${server.url}/login`);
      await page.screenshot({ path: join(directory, `login-${look}.png`) });
      const { path } = await admin.read<{ path: string }>('/api/v1/login-links', { method: 'POST' });
      await page.goto(`${server.url}${path}`);
      for (const [name, address] of pages) {
        await page.goto(`${server.url}${address}`);
        await page.locator('main h1').waitFor();
        await page
          .locator('main [aria-busy="true"][aria-label="Loading"]')
          .first()
          .waitFor({ state: 'detached' });
        await page.screenshot({
          path: join(directory, `${name}-${look}.png`),
          fullPage: look !== 'phone-dark',
        });
      }
      await context.close();
    }
    process.stdout.write(`${directory}: ${pages.length + 1} pages\n`);
  } finally {
    await server.stop();
    data.remove();
  }
}

async function hang(server: OmoiServer, directory: string, agentId: string): Promise<void> {
  const worker = await until(
    () => workersOf({ url: server.url, directory }).find((one) => one.agentId === agentId),
    `${agentId} has a process`,
    WITHIN_MS,
  );
  process.kill(worker.pid, 'SIGSTOP');
}

async function pagesOf(admin: Client): Promise<readonly (readonly [name: string, address: string])[]> {
  const { alerts } = await admin.read<FirstOf>('/api/v1/alerts?limit=1');
  const { remediations } = await admin.read<FirstOf>(
    '/api/v1/watchdog/remediations?target_id=demo-3&limit=1',
  );
  const { tasks } = await admin.read<FirstOf>('/api/v1/fleet/tasks?limit=1');
  const [alert, repair, task] = [alerts[0], remediations[0], tasks[0]];
  return [
    ['overview', '/'],
    ['fleet', '/fleet'],
    ['agent', '/fleet/demo-3'],
    ['agent-drawer', '/?agent=demo-3'],
    ['tasks', '/tasks'],
    ...(task ? [['task', `/tasks/${task.task_id}`] as const] : []),
    ['alerts', '/alerts'],
    ...(alert ? [['alert', `/alerts/${alert.id}`] as const] : []),
    ['repairs', '/repairs'],
    ...(repair ? [['repair', `/repairs/${repair.id}`] as const] : []),
    ['events', '/events'],
    ['traces', '/traces'],
    ...(repair?.trace_id ? [['trace', `/traces/${repair.trace_id}`] as const] : []),
    ['no-such-page', '/nowhere'],
  ];
}

const program = chromiumForTests();
if (program === null) process.exit(1);
const sizes = process.argv.slice(2).map(Number);
const browser = await openBrowser(program);
for (const agents of sizes.length > 0 ? sizes : [6, 200]) await photograph(browser, agents);
await browser.close();
