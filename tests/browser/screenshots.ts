import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { Client } from '../acceptance/support/client.ts';
import { dataDirectory, OmoiServer } from '../acceptance/support/omoi-process.ts';
import { until } from '../acceptance/support/until.ts';
import { workersOf } from '../acceptance/support/workers.ts';
import { chromiumForTests, openBrowser } from './chromium.ts';
import { DESKTOP, PHONE } from './visits.ts';
import { Webhook } from './webhook.ts';

const DIRECTORY = '.omoi/screenshots';
const LOOKS = [
  { look: 'light', colorScheme: 'light', viewport: DESKTOP },
  { look: 'dark', colorScheme: 'dark', viewport: DESKTOP },
  { look: 'phone', colorScheme: 'light', viewport: PHONE },
  { look: 'phone-dark', colorScheme: 'dark', viewport: PHONE },
] as const;
const DEMO_AGENTS = 6;
/** Of the agents beyond those of the demo one of so many falls silent at once … */
const SILENT_ONE_OF = 12;
/** … and one of so many has a pool of its own. */
const ALONE_ONE_OF = 4;
const WITHIN_MS = 60_000;

/** Who is told in the pictures: one receiver that takes what it is told, and one that is down. */
const ROUTING = `
route:
  receiver: desk
  group_by: [alertname]
  group_wait: 0s
  routes:
    - matchers: [severity=~"critical|error"]
      receiver: pager
      continue: true
    - matchers: [pool_id="builders"]
      receiver: builders
      group_by: ['...']
      routes:
        - { matchers: [alertname="AgentUnresponsive"], receiver: pager }
    - matchers: [severity="info"]
      receiver: nights
      mute_time_intervals: [always]
receivers:
  - name: desk
    webhook_configs: [{ url: 'WEBHOOK/desk' }]
  - name: pager
    webhook_configs: [{ url: 'WEBHOOK/pager' }]
  - name: builders
    webhook_configs: [{ url: 'WEBHOOK/down' }]
  - name: nights
  - name: on-call
    webhook_configs: [{ url: 'WEBHOOK/on-call' }]
    x-omoi: { on_call: infra }
x-omoi:
  people:
    ada: { receiver: pager }
    grace: { receiver: desk }
    lin: { receiver: desk }
  on_call:
    infra:
      time_zone: Europe/Berlin
      layers:
        - { people: [ada, grace], rotation: weekly, starts_on: 2026-11-30 }
        - { people: [lin], rotation: daily, starts_on: 2026-11-30, during: always }
time_intervals:
  - { name: always, time_intervals: [{ times: [{ start_time: '00:00', end_time: '24:00' }] }] }
`;

const HOUR_MS = 3_600_000;
const SILENCES = [
  {
    matchers: ['alertname="HighQueueDepth"', 'pool_id="demo"'],
    duration_ms: 2 * HOUR_MS,
    comment: 'the queue is filled on purpose',
  },
  {
    matcher_sets: [['pool_id="site-3"'], ['pool_id="site-7"', 'severity!="critical"']],
    starts_at: new Date(Date.now() + HOUR_MS).toISOString(),
    duration_ms: 24 * HOUR_MS,
    comment: 'both sites get new disks',
    until_resolved: true,
  },
];

interface FirstOf {
  readonly alerts: readonly { readonly id: string }[];
  readonly remediations: readonly { readonly id: string; readonly trace_id: string | null }[];
  readonly tasks: readonly { readonly task_id: string }[];
}

/**
 * The demo with so many agents, one of which hangs and is repaired, some of which fall silent, and a task that nobody serves:
 * something of everything to look at.
 */
async function photograph(browser: Browser, agents: number): Promise<void> {
  const data = dataDirectory();
  const webhook = new Webhook();
  await webhook.start();
  const routing = join(data.path, 'alertmanager.yml');
  const configFile = join(data.path, 'omoi.json');
  writeFileSync(routing, ROUTING.replaceAll('WEBHOOK', webhook.url));
  writeFileSync(configFile, JSON.stringify({ notification: { config_file: routing } }));
  const server = await OmoiServer.start(data.path, { demo: true, configFile });
  const admin = new Client(() => server.url, server.adminToken);
  try {
    for (let at = DEMO_AGENTS; at < agents; at++) {
      const place = at - DEMO_AGENTS + 1;
      const isAlone = at % ALONE_ONE_OF === 0;
      const agentId = `${isAlone ? 'crawler' : 'builder'}-${place}`;
      const body = {
        agent_id: agentId,
        agent_type: 'worker',
        pool_id: isAlone ? `site-${place}` : 'builders',
        nonce: `nonce of ${agentId}`,
      };
      await admin.read('/api/v1/fleet/agents', {
        method: 'POST',
        body: { ...body, heartbeat_interval_ms: at % SILENT_ONE_OF === 0 ? 1_000 : 300_000 },
      });
    }
    if (agents > DEMO_AGENTS) {
      const task = { task_type: 'fetsh', phase_id: 'PHASE_TESTING' };
      await admin.read('/api/v1/fleet/tasks', { method: 'POST', body: task });
    }
    await until(
      async () =>
        (await admin.read<FirstOf>(`/api/v1/fleet/tasks?state=claimed&agent_id=demo-3&limit=1`)).tasks
          .length > 0,
      'demo-3 is at work',
      WITHIN_MS,
    );
    await hang(server, data.path, 'demo-3');
    await until(
      async () =>
        (await admin.read<FirstOf>('/api/v1/watchdog/remediations?target_id=demo-3&state=completed'))
          .remediations.length > 0,
      'demo-3 is repaired',
      WITHIN_MS,
    );
    for (const silence of SILENCES) {
      await admin.read('/api/v1/alerts/silences', { method: 'POST', body: silence });
    }
    const body = {
      schedule: 'infra',
      person: 'grace',
      duration_ms: 8 * HOUR_MS,
      comment: 'swapped with lin',
    };
    await admin.read('/api/v1/alerts/on-call/overrides', { method: 'POST', body });
    const pages = await pagesOf(admin);
    const directory = join(DIRECTORY, String(agents));
    mkdirSync(directory, { recursive: true });
    for (const { look, colorScheme, viewport } of LOOKS) {
      const context = await browser.newContext({ colorScheme, viewport, reducedMotion: 'reduce' });
      context.setDefaultTimeout(WITHIN_MS);
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
        await photographWhole(page, viewport, join(directory, `${name}-${look}.png`));
      }
      await context.close();
    }
    process.stdout.write(`${directory}: ${pages.length + 1} pages\n`);
  } finally {
    await server.stop();
    await webhook.stop();
    data.remove();
  }
}

/** Far more than a person scrolls through. */
const maxHeightPx = 6_000;

/** All of a page, on a screen that is as high as it: what stays at the foot of the screen would stand in its middle else. */
async function photographWhole(page: Page, viewport: typeof DESKTOP, path: string): Promise<void> {
  const height = await page.evaluate<number>('document.documentElement.scrollHeight');
  await page.setViewportSize({
    ...viewport,
    height: Math.min(maxHeightPx, Math.max(viewport.height, height)),
  });
  // What comes near the screen is drawn then.
  await page.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))');
  await page.screenshot({ path });
  await page.setViewportSize(viewport);
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
  const { active } = await admin.read<{ active: readonly { readonly active_id: string }[] }>(
    '/api/v1/alerts/active?state=pending&limit=1',
  );
  const { agents } = await admin.read<{ agents: readonly { readonly agent_id: string }[] }>(
    '/api/v1/fleet/agents?status=UNRESPONSIVE&limit=1',
  );
  const [silent] = agents;
  const [alert, repair, task, pending] = [alerts[0], remediations[0], tasks[0], active[0]];
  return [
    ['overview', '/'],
    ['fleet', '/fleet'],
    ['agent', '/fleet/demo-3'],
    ['agent-running', '/fleet/demo-1'],
    ...(silent ? [['agent-silent', `/fleet/${silent.agent_id}`] as const] : []),
    ['agent-drawer', '/?agent=demo-3'],
    ['tasks', '/tasks'],
    ...(task ? [['task', `/tasks/${task.task_id}`] as const] : []),
    ['tasks-finished', '/tasks?state=finished'],
    ['alerts', '/alerts'],
    ['alerts-chosen', '/alerts?state=all&match=alertname%3D~%22Agent.%2B%22'],
    ['rules', '/alerts/rules'],
    ['rule', '/alerts/rules/fleet%2FHighQueueDepth'],
    ['silences', '/alerts/silences'],
    ['routes', '/alerts/routes'],
    ['on-call', '/alerts/on-call'],
    [
      'routes-tried',
      '/alerts/routes?labels=alertname%3DAgentUnresponsive%2C+severity%3Dcritical%2C+pool_id%3Ddemo',
    ],
    ...(pending
      ? [['alert-pending', `/alerts/pending/${encodeURIComponent(pending.active_id)}`] as const]
      : []),
    ...(alert ? [['alert', `/alerts/${alert.id}`] as const] : []),
    ['repairs', '/repairs'],
    ...(repair ? [['repair', `/repairs/${repair.id}`] as const] : []),
    ['events', '/events'],
    ['traces', '/traces'],
    ...(repair?.trace_id ? [['trace', `/traces/${repair.trace_id}`] as const] : []),
    ['no-such-page', '/nowhere'],
    ['docs', '/docs'],
    ['docs-tutorial', '/docs/tutorial'],
    ['docs-errors', '/docs/errors#unknown_agent'],
    ['docs-http', '/docs/http'],
    ['docs-policies', '/docs/watchdog/policies'],
  ];
}

const program = chromiumForTests();
if (program === null) process.exit(1);
const { values: options } = parseArgs({
  options: { agents: { type: 'string', multiple: true, default: [String(DEMO_AGENTS)] } },
});
const browser = await openBrowser(program);
for (const agents of options.agents) await photograph(browser, Number(agents));
await browser.close();
