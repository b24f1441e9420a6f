import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from './support/client.ts';
import { dataDirectory, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';

// What no restart can bring to life goes to the guardian, and is never called healed.

/** Small, so that three attempts fit into a test. */
const TIMES = { within: '2s', cooldown: '500ms', attempts: 3 } as const;
const HEARTBEAT_INTERVAL = '500ms';
const START_WITHIN = '1s';
/** Some 15 s, by the formula in docs/watchdog/policies.md, and room for a busy machine. */
const ESCALATED_WITHIN_MS = 240_000;

function policy(name: string, alert: string): string {
  return `
name: ${name}
match: ['alertname="${alert}"']
mode: act
target: { kind: agent, label: agent_id }
steps:
  - action: restart
    verify: { within: ${TIMES.within} }
guards: { cooldown: ${TIMES.cooldown} }
max_attempts: ${TIMES.attempts}
guardian: operators
`;
}

function pool(id: string, command: readonly string[]): object {
  return {
    id,
    command,
    desired: 1,
    max: 1,
    heartbeat_interval: HEARTBEAT_INTERVAL,
    start_within: START_WITHIN,
    grace: '500ms',
  };
}

/** A program that wants a port. */
const LISTEN = `require('node:net').createServer().listen(Number(process.argv[1]), '127.0.0.1')`;

describe('escalated with the last output, and never called healed', () => {
  const data = dataDirectory();
  let occupant: Server;
  let server: OmoiServer;
  let admin: Client;

  beforeAll(async () => {
    occupant = createServer();
    await new Promise<void>((resolve) => void occupant.listen(0, '127.0.0.1', resolve));
    const { port } = occupant.address() as AddressInfo;
    const policies = join(data.path, 'policies');
    mkdirSync(policies);
    writeFileSync(join(policies, 'failed.yaml'), policy('restart_failed_agent', 'AgentFailed'));
    writeFileSync(join(policies, 'silent.yaml'), policy('restart_unresponsive_agent', 'AgentUnresponsive'));
    const configFile = join(data.path, 'omoi.json');
    const pools = [
      pool('done', ['/bin/sh', '-c', 'echo "nothing to do" >&2; exit 0']),
      {
        ...pool('mute', ['/bin/sh', '-c', 'echo "waiting for a leader" >&2; exec sleep 100000']),
        heartbeat: 'sdk',
      },
      pool('port', [process.execPath, '-e', LISTEN, String(port)]),
    ];
    writeFileSync(
      configFile,
      JSON.stringify({ watchdog: { policy_files: [policies], disable: ['*'] }, fleet: { pools } }),
    );
    server = await OmoiServer.start(data.path, { configFile });
    admin = new Client(() => server.url, server.adminToken);
  });

  afterAll(async () => {
    for (const id of ['done', 'mute', 'port'])
      await admin.call(`/api/v1/fleet/pools/${id}`, { method: 'DELETE' });
    await until(
      async () => (await admin.read<{ pools: unknown[] }>('/api/v1/fleet/pools')).pools.length === 0,
      'the pools have ended',
    );
    await server.stop();
    occupant.close();
    data.remove();
  });

  it.each([
    ['a program that is done whenever it is started', 'done', /nothing to do/],
    ['a program that never registers', 'mute', /waiting for a leader/],
    ['a program whose port somebody else has', 'port', /EADDRINUSE/],
  ])('%s', async (_what, poolId, output) => {
    const target = `agent:${poolId}-1`;
    const escalation = await until(
      async () => {
        const escalated = await admin.events('watchdog.escalated');
        return escalated.find(({ payload }) => (payload as { target: string | null }).target === target);
      },
      `${target} is escalated`,
      ESCALATED_WITHIN_MS,
    );
    const { guardian, last_output: lastOutput } = escalation.payload as {
      guardian: string;
      last_output: string | null;
    };
    expect(guardian).toBe('operators');
    expect(lastOutput).toMatch(output);
    const about = (event: { payload: unknown }): boolean =>
      (event.payload as { target: string }).target === target;
    const started = (await admin.events('watchdog.remediation.started')).filter(about);
    const completed = (await admin.events('watchdog.remediation.completed')).filter(about);
    expect(completed.map(({ payload }) => (payload as { outcome: string }).outcome)).not.toContain('healed');
    const orders = (await admin.events('fleet.agent.restart_requested')).filter(
      ({ payload }) => (payload as { agent_id: string }).agent_id === `${poolId}-1`,
    );
    expect(started.length).toBeGreaterThan(0);
    expect(orders.length).toBeGreaterThan(0);
    expect(orders.length).toBeLessThanOrEqual(TIMES.attempts);
  });
});
