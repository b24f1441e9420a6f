// The process of the probes: started by `Probes`, told what to do over its channel.
import type { SystemEvent } from '#telemetry';
import { ConnectionPool } from '../load/connection-pool.ts';
import { AgentProbe } from './agent-probe.ts';
import { AlertProbe } from './alert-probe.ts';
import { EventCounts } from './event-counts.ts';
import { EventReader } from './event-reader.ts';
import type { ProbeOrder, ProbeSetup } from './probes.ts';
import { BACKGROUND_METRICS, BACKGROUND_SERIES, backgroundMetric, PROBE_POLICY } from './rule-files.ts';
import { remoteWrite } from './samples.ts';
import { everySoOften } from '../load/schedule.ts';

const BACKGROUND_EVERY_MS = 5000;
const CONNECTIONS = 64;
const EVENT_TYPES = ['monitor.alert', 'watchdog'];

// What `Probes` has written there.
const setup = JSON.parse(process.argv[2] ?? '') as ProbeSetup;
const { url, tokens } = setup;
const agentConnections = await ConnectionPool.open(url, tokens.agent, CONNECTIONS);
const adminConnections = await ConnectionPool.open(url, tokens.admin, CONNECTIONS);
const alerts = new AlertProbe(adminConnections);
const agents = new AgentProbe(agentConnections, setup.fleet);
const counts = new EventCounts();
const events = new EventReader({ url, token: tokens.admin, types: EVENT_TYPES, onEvent });

function onEvent(event: SystemEvent): void {
  counts.add(event);
  if (event.event_type === 'watchdog.remediation.started' && event.payload.policy === PROBE_POLICY) {
    alerts.onStarted(event.payload.target);
  }
}

function writeBackground(): void {
  const samples = Array.from({ length: BACKGROUND_METRICS * BACKGROUND_SERIES }, (_, number) => ({
    metric: backgroundMetric(number % BACKGROUND_METRICS),
    labels: {
      host: `host-${Math.floor(number / BACKGROUND_METRICS)}`,
      zone: number % 3 === 0 ? 'a' : 'b',
    },
    value: Math.round(Math.random() * 1000),
  }));
  adminConnections.send(remoteWrite(samples)).catch(() => undefined);
}

let windowFromMs = performance.now();
let cpuBefore = process.cpuUsage();

async function obey(order: ProbeOrder): Promise<unknown> {
  switch (order) {
    case 'begin':
      windowFromMs = performance.now();
      cpuBefore = process.cpuUsage();
      alerts.skipped = 0;
      return null;
    case 'end': {
      const { user, system } = process.cpuUsage(cpuBefore);
      return {
        alert_to_action: alerts.recorder.since(windowFromMs),
        alerts_skipped: alerts.skipped,
        heartbeats: agents.heartbeats.since(windowFromMs),
        claims: agents.claims.since(windowFromMs),
        cpu_seconds: Number(((user + system) / 1e6).toFixed(1)),
      };
    }
    case 'newest': {
      const newest = alerts.recorder.newest;
      return newest && { tookMs: newest.tookMs, agoMs: performance.now() - newest.dueMs - newest.tookMs };
    }
    case 'counts':
      return counts.all();
    case 'silence':
      return agents.silence();
    case 'revive':
      return agents.revive();
  }
}

await events.start();
await agents.start();
await alerts.start(setup.isFresh);
writeBackground();
everySoOften(BACKGROUND_EVERY_MS, writeBackground);
process.on('message', (message: { readonly id: number; readonly order: ProbeOrder }) => {
  void obey(message.order).then((answer) => process.send?.({ id: message.id, answer: answer ?? null }));
});
process.on('disconnect', () => process.exit(0));
process.send?.({ id: 0, answer: null });
