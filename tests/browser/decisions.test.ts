import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Client } from '../acceptance/support/client.ts';
import { dataDirectory, OmoiServer } from '../acceptance/support/omoi-process.ts';
import { until } from '../acceptance/support/until.ts';
import { workersOf } from '../acceptance/support/workers.ts';
import { chromiumForTests, openBrowser } from './chromium.ts';
import { logInWithToken } from './log-in.ts';
import { Visits } from './visits.ts';

const program = chromiumForTests();
const WITHIN_MS = 60_000;

/** A worker that is ready for work, and has none. */
const IDLER = "import { createAgent } from '@omoi/agent'; createAgent(); setInterval(() => {}, 60_000);";
const HEARTBEATS = { heartbeat_interval: '500ms', grace: '500ms' };

function idlers(id: string, desired: number): object {
  const command = [process.execPath, '--conditions=omoi-source', '--input-type=module', '-e', IDLER];
  return { id, command, cwd: process.cwd(), desired, max: desired, ...HEARTBEATS };
}

const POOLS = [
  idlers('asking', 2),
  idlers('lasting', 1),
  {
    id: 'hopeless',
    command: ['/bin/sh', '-c', 'echo "there is no leader" >&2; exit 3'],
    desired: 1,
    max: 1,
    ...HEARTBEATS,
  },
];

/** One for the agents of each pool. */
const POLICIES = {
  asking: 'mode: approve\nguards: { cooldown: 0s }',
  lasting: 'mode: act\nguards: { cooldown: 10m }',
  hopeless: 'mode: act\nmax_attempts: 1\nguards: { cooldown: 100ms }',
};

const policyOf = (pool: string, more: string): string => `
name: restart_${pool}
match: ['alertname="AgentFailed"', 'agent_id=~"${pool}-.*"']
target: { kind: agent, label: agent_id }
steps: [{ action: restart, verify: { within: 20s } }]
${more}
`;

describe.skipIf(program === null)('what a person decides, or has to know', () => {
  const directory = dataDirectory();
  let server: OmoiServer;
  let admin: Client;
  let browser: Browser;
  let visits: Visits<'operator'>;
  let page: Page;

  beforeAll(async () => {
    const policies = join(directory.path, 'policies');
    mkdirSync(policies);
    for (const [pool, more] of Object.entries(POLICIES))
      writeFileSync(join(policies, `${pool}.yaml`), policyOf(pool, more));
    const configFile = join(directory.path, 'omoi.json');
    writeFileSync(
      configFile,
      JSON.stringify({ watchdog: { policy_files: [policies], disable: ['*'] }, fleet: { pools: POOLS } }),
    );
    server = await OmoiServer.start(directory.path, { configFile });
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
    for (const { id } of POOLS as readonly { readonly id: string }[])
      await admin?.call(`/api/v1/fleet/pools/${id}`, { method: 'DELETE' });
    await server?.stop();
    directory.remove();
  });
  beforeEach(async () => {
    page = await visits.as('operator');
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await visits.end();
  });

  const panel = () => page.getByRole('region', { name: 'Needs you' });
  const item = (list: string, agentId: string) =>
    panel().getByRole('list', { name: list }).getByRole('listitem').filter({ hasText: agentId });

  async function kill(agentId: string): Promise<void> {
    const workers = () => workersOf({ url: server.url, directory: directory.path });
    const standsAt = async () =>
      (await admin.read<{ status: string }>(`/api/v1/fleet/agents/${agentId}`)).status;
    await until(async () => (await standsAt()) === 'IDLE', `${agentId} is ready`, WITHIN_MS);
    const worker = workers().find((one) => one.agentId === agentId);
    if (!worker) throw new Error(`${agentId} has no process`);
    process.kill(worker.pid, 'SIGKILL');
  }

  const outcomesOf = async (agentId: string): Promise<readonly (string | null)[]> => {
    const { remediations } = await admin.read<{ remediations: { outcome: string | null }[] }>(
      `/api/v1/watchdog/remediations?target_id=${agentId}`,
    );
    return remediations.map(({ outcome }) => outcome);
  };

  it('approves one repair, and rejects another', async () => {
    await Promise.all([kill('asking-1'), kill('asking-2')]);
    await item('awaiting approval', 'asking-1').getByText('restart asking waits for a yes or no.').waitFor();
    await item('awaiting approval', 'asking-2').waitFor();
    await panel().getByRole('button', { name: 'Approve restart asking on asking-1' }).click();
    await panel().getByRole('button', { name: 'Reject restart asking on asking-2' }).click();
    await item('awaiting approval', 'asking-1').waitFor({ state: 'hidden' });
    await item('awaiting approval', 'asking-2').waitFor({ state: 'hidden' });
    await until(
      async () => (await outcomesOf('asking-1')).includes('healed'),
      'asking-1 is healed',
      WITHIN_MS,
    );
    expect(await outcomesOf('asking-2')).toEqual(['cancelled']);
    const { status } = await admin.read<{ status: string }>('/api/v1/fleet/agents/asking-2');
    expect(status).toBe('FAILED');
  });

  it('shows what was given up, with the last words of it', async () => {
    const given = item('given up', 'hopeless-1');
    await given.getByText(/^restart hopeless tries no more and has given it to operators: \S/).waitFor();
    await given.getByLabel('Last output of hopeless-1').click();
    await given.locator('pre').getByText('there is no leader').waitFor();
  });

  it('lets an operator start again what was given up', async () => {
    const agent = () => admin.read<{ generation: number }>('/api/v1/fleet/agents/hopeless-1');
    const { generation } = await agent();
    await item('given up', 'hopeless-1').getByRole('button', { name: 'Restart hopeless-1' }).click();
    await until(
      async () => (await agent()).generation > generation,
      'hopeless-1 has its next generation',
      WITHIN_MS,
    );
  });

  it('shows what comes back again, as long as it is tried again', async () => {
    await kill('lasting-1');
    await until(
      async () => (await outcomesOf('lasting-1'))[0] === 'healed',
      'lasting-1 is healed',
      WITHIN_MS,
    );
    await kill('lasting-1');
    await item('relapsing', 'lasting-1')
      .getByText(
        'What restart lasting repaired came back after attempt 1 of 3. When none is left, operators have it.',
      )
      .waitFor();
    await page
      .getByRole('region', { name: 'Repairs' })
      .getByText(/^Held back by the guard cooldown: cooldown of 10m/)
      .waitFor();
  });

  it('shows a storm with its reason and its failure domain, and ends it by a button', async () => {
    for (let number = 1; number <= 4; number++) {
      const body = {
        agent_id: `laptop-${number}`,
        agent_type: 'worker',
        pool_id: `laptops-${number % 2}`,
        labels: { provider: 'acme' },
        nonce: `nonce of laptop-${number}`,
        new_generation: true,
        heartbeat_interval_ms: 700,
        heartbeat_ttl_ms: 2500,
      };
      await admin.read('/api/v1/fleet/agents', { method: 'POST', body });
    }
    const banner = page.getByRole('group', { name: 'storm' });
    await banner.getByText(/in provider:acme \d of 4 agents fell silent at once/i).waitFor();
    const storms = page.getByRole('region', { name: 'Needs you' }).getByRole('list', { name: 'storms' });
    await storms.getByText('provider:acme', { exact: true }).waitFor();
    await banner.getByText('Nobody who is silent there is restarted.', { exact: false }).waitFor();
    await page.getByRole('button', { name: 'End the storm' }).click();
    await banner.waitFor({ state: 'hidden' });
    await storms.waitFor({ state: 'hidden' });
  });
});
