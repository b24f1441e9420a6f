import type { Alerting } from '#alerting';
import type { AgentRecord, Fleet, Pools } from '#fleet';
import { AGENT_STATUSES, OmoiError, parseLabels, toRfc3339, toRfc3339OrNull, type Clock } from '#telemetry';
import type { RemediationArchive, Watchdog, Withheld } from '#watchdog';
import { agentParams } from '../agents/agent-schemas.ts';
import { viewAgent, viewGeneration } from '../agents/agent-view.ts';
import { viewOfAlert } from '../alerts/alert-view.ts';
import { READERS } from '../access/roles.ts';
import type { ApiApp } from '../http/app.ts';
import { viewOfRemediation } from '../watchdog/watchdog-view.ts';
import { adviceFor, isRepaired, noRepairBecause, type WithheldRepairs } from './advice.ts';
import { evidenceOf, summaryOf, verdictOf, type KnownAgent } from './agent-evidence.ts';
import { whyAnswer, type WhyAnswer } from './why-schemas.ts';

export interface WhyRouteParts {
  readonly fleet: Pick<Fleet, 'agents' | 'directory' | 'tasks'>;
  readonly pools: Pick<Pools, 'replica'>;
  readonly alerting: { readonly alerts: Pick<Alerting['alerts'], 'list'> };
  readonly watchdog: Pick<
    Watchdog,
    'heldBy' | 'withheldFrom' | 'doubtsAbout' | 'states' | 'policies' | 'maintenance'
  >;
  readonly remediations: Pick<RemediationArchive, 'list'>;
  readonly clock: Clock;
}

const SHOWN = {
  generations: 20,
  held: 10,
  heldAsEvidence: 5,
  alerts: 20,
  remediations: 10,
  parked: 10,
} as const;

/** `/api/v1/fleet/agents/:agent_id/why`: how it stands with an agent, and why something is done about it or not. */
export function registerWhyRoute(app: ApiApp, parts: WhyRouteParts): void {
  app.route({
    method: 'GET',
    url: '/api/v1/fleet/agents/:agent_id/why',
    config: { access: READERS },
    schema: {
      tags: ['fleet'],
      summary: 'Why an agent stands as it does: evidence, alerts, repairs, what holds them back, what to do',
      params: agentParams,
      response: { 200: whyAnswer },
    },
    handler: ({ params }) => explain(parts, params.agent_id),
  });
}

async function explain(parts: WhyRouteParts, agentId: string): Promise<WhyAnswer> {
  const { clock, watchdog } = parts;
  const agent = await knownAgent(parts, agentId);
  const [alerts, remediations, parked] = await Promise.all([
    alertsAbout(parts, agentId),
    parts.remediations.list({ targetId: agentId, limit: SHOWN.remediations }),
    tasksOf(parts, agentId, 'parked'),
  ]);
  const nowMs = clock.wallMs();
  const repairs = remediations
    .filter(({ remediation }) => remediation.target_kind === 'agent')
    .map((one) => viewOfRemediation(one, watchdog));
  const { withheld, elsewhere } = await withheldFrom(parts, alerts, repairs);
  const known = {
    verdict: verdictOf(agent.live?.status ?? agent.row.status, alerts.length),
    agent: { ...viewAgent(agent), tasks_held: heldBy(agent) },
    alerts,
    remediations: repairs,
    parked_tasks: parked.map((task) => ({
      task_id: task.task_id,
      task_type: task.task_type,
      parked_at: toRfc3339OrNull(task.parked_at_ms),
      error: task.error,
      last_output: task.last_output || null,
    })),
  };
  return {
    at: toRfc3339(nowMs),
    ...known,
    summary: summaryOf(agent, nowMs),
    generations: agent.generations.map(viewGeneration),
    held_tasks: agent.held.map((task) => ({
      task_id: task.task_id,
      task_type: task.task_type,
      claimed_at: toRfc3339OrNull(task.claimed_at_ms),
      time_limit_ms: task.time_limit_ms,
    })),
    evidence: [...evidenceOf({ ...agent, held: agent.held.slice(0, SHOWN.heldAsEvidence) }, nowMs)],
    watchdog: [...maintenanceOf(parts, agent), ...holdsOn(parts, agent)],
    no_repair: noRepairBecause(known, { withheld, elsewhere, nowMs }),
    advice: adviceFor(known, withheld),
  };
}

/**
 * How many tasks it holds, of the same read as the tasks that are listed: what is in memory is of another moment, and a page
 * that lists no task would count one.
 */
function heldBy({ held, live }: Pick<KnownAgent, 'held' | 'live'>): number {
  return held.length < SHOWN.held ? held.length : Math.max(held.length, live?.tasksHeld ?? 0);
}

async function knownAgent({ fleet, pools }: WhyRouteParts, agentId: string): Promise<KnownAgent> {
  const record = await recordOf(fleet, agentId);
  const [generations, replica, held] = await Promise.all([
    fleet.directory.generations(agentId, SHOWN.generations),
    pools.replica(agentId),
    tasksOf({ fleet }, agentId, 'claimed'),
  ]);
  return { ...record, generations, replica, held, domains: domainsOf(fleet, record) };
}

/** @throws OmoiError `unknown_agent`, with the agent that was probably meant */
async function recordOf({ directory }: WhyRouteParts['fleet'], agentId: string): Promise<AgentRecord> {
  try {
    return await directory.get(agentId);
  } catch (thrown) {
    if (!(thrown instanceof OmoiError) || thrown.code !== 'unknown_agent') throw thrown;
    const nearest = await directory.nearest(agentId);
    if (nearest === null) throw thrown;
    const message = `Agent ${agentId} is unknown; did you mean ${nearest}?`;
    throw new OmoiError('unknown_agent', message, { agent_id: agentId, nearest });
  }
}

const PRESENT = AGENT_STATUSES.filter((status) => status !== 'TERMINATED' && status !== 'QUARANTINED');

/** Its failure domains; an agent that ended long ago counts in none any more. */
function domainsOf({ agents }: WhyRouteParts['fleet'], { live }: AgentRecord): KnownAgent['domains'] {
  return (live?.placement.domains ?? []).map((name) => ({
    name,
    agents: PRESENT.reduce((sum, status) => sum + agents.countOf(status, name), 0),
    silent: agents.countOf('UNRESPONSIVE', name),
  }));
}

function tasksOf({ fleet }: Pick<WhyRouteParts, 'fleet'>, agentId: string, state: 'claimed' | 'parked') {
  const limit = state === 'parked' ? SHOWN.parked : SHOWN.held;
  return fleet.tasks.list({ states: [state], phaseId: null, agentId, after: null, limit });
}

async function alertsAbout(
  { alerting, watchdog }: WhyRouteParts,
  agentId: string,
): Promise<WhyAnswer['alerts']> {
  const matchers = [`agent_id=${JSON.stringify(agentId)}`];
  const { alerts } = await alerting.alerts.list({ state: 'firing', matchers, limit: SHOWN.alerts });
  return alerts.map((row) => ({
    ...viewOfAlert(row),
    policies: watchdog.policies
      .forAlert(parseLabels(row.labels))
      .map(({ name: policy, mode }) => ({ policy, mode })),
  }));
}

/** What keeps policies from a repair of the agent, where something fires about it and none of that is repaired. */
async function withheldFrom(
  { watchdog, remediations }: WhyRouteParts,
  alerts: WhyAnswer['alerts'],
  repairs: WhyAnswer['remediations'],
): Promise<Omit<WithheldRepairs, 'nowMs'>> {
  if (isRepaired({ alerts, remediations: repairs })) return { withheld: [], elsewhere: [] };
  const watched = alerts.filter(({ policies }) => policies.length > 0);
  const perAlert = await Promise.all(
    watched.map(async ({ id }) => {
      const [withheld, ofAlert] = await Promise.all([
        watchdog.withheldFrom(id),
        remediations.list({ alertId: id, limit: SHOWN.remediations }),
      ]);
      const elsewhere = ofAlert.map((one) => viewOfRemediation(one, watchdog));
      const planned = new Set(elsewhere.map(({ policy }) => policy));
      return { withheld: withheld.filter(({ policy }) => !planned.has(policy)), elsewhere };
    }),
  );
  return {
    withheld: perAlert.flatMap((one): readonly Withheld[] => one.withheld),
    elsewhere: perAlert.flatMap((one) => one.elsewhere),
  };
}

/** The maintenance that it is in, by itself, with its pool or with its host. */
function maintenanceOf({ watchdog, clock }: WhyRouteParts, { row, live }: KnownAgent): WhyAnswer['watchdog'] {
  const { agent_id: agentId, pool_id: poolId } = row;
  const running = watchdog.maintenance.over({ agentId, poolId, host: live?.host ?? null });
  if (!running) return [];
  const { target, startedBy, reason } = running.window;
  return [
    {
      state: 'maintenance',
      reason: `${target.kind} ${target.id} is left alone by order of ${startedBy}: ${reason}`,
      until: toRfc3339(clock.wallMs() + running.leftMs),
    },
  ];
}

/** What holds repairs in its failure domains back at this moment. */
function holdsOn({ watchdog }: WhyRouteParts, { domains }: KnownAgent): WhyAnswer['watchdog'] {
  const { storm, suspectUntilMs } = watchdog.doubtsAbout(domains.map(({ name }) => name));
  const paused = watchdog.states.get('paused');
  return [
    ...(paused
      ? [{ state: 'paused' as const, reason: `paused by ${paused.by}: ${paused.reason}`, until: null }]
      : []),
    ...(storm ? [{ state: 'storm' as const, reason: `${storm.domain}: ${storm.reason}`, until: null }] : []),
    ...(suspectUntilMs === null
      ? []
      : [
          {
            state: 'self_suspicion' as const,
            reason: 'Omoi itself stalled or lost its database; agents get time to be heard',
            until: toRfc3339(suspectUntilMs),
          },
        ]),
  ];
}
