import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEventBus, type EventBus } from '#eventbus';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { createSeededRandom, SelfMetrics, silentLogger, VirtualClock, type SystemEvent } from '#telemetry';
import type { DomainCell, FleetHealth } from '../ports.ts';
import { WatchdogStates } from '../watchdog-states.ts';
import { DEFAULT_STORM_LIMITS } from './storm.ts';
import { StormWatch } from './storm-watch.ts';

interface WatchedAgent {
  readonly domains: readonly string[];
  isSilent: boolean;
}

/** Agents, each in its failure domains. */
class Agents {
  #all: WatchedAgent[] = [];

  /** So many more in these domains. */
  add(count: number, ...domains: readonly string[]): readonly WatchedAgent[] {
    const those = Array.from({ length: count }, () => ({ domains, isSilent: false }));
    this.#all.push(...those);
    return those;
  }

  remove(those: readonly WatchedAgent[]): void {
    this.#all = this.#all.filter((one) => !those.includes(one));
  }

  health(domain?: string): FleetHealth {
    const those =
      domain === undefined ? this.#all : this.#all.filter(({ domains }) => domains.includes(domain));
    return { agents: those.length, silent: those.filter(({ isSilent }) => isSilent).length };
  }

  cells(): readonly DomainCell[] {
    const byId = Map.groupBy(this.#all, ({ domains }) => domains.join(' '));
    return [...byId].map(([id, those]) => ({
      id,
      domains: those[0]?.domains ?? [],
      agents: those.length,
      silent: those.filter(({ isSilent }) => isSilent).length,
    }));
  }

  silentCells(): readonly DomainCell[] {
    return this.cells().filter(({ silent }) => silent > 0);
  }
}

let clock: VirtualClock;
let database: StateDatabase;
let states: WatchdogStates;
let agents: Agents;
let watch: StormWatch;
let told: SystemEvent[];
let bus: EventBus;

beforeEach(async () => {
  clock = new VirtualClock();
  database = await openTestStateDatabase(clock);
  bus = createEventBus({
    database,
    clock,
    random: createSeededRandom(1),
    logger: silentLogger,
    metrics: new SelfMetrics(),
  });
  told = [];
  bus.listen((event) => void told.push(event));
  states = new WatchdogStates(database, bus);
  await states.start();
  agents = new Agents();
  watch = new StormWatch({ clock, states, fleet: agents, limits: DEFAULT_STORM_LIMITS });
});
afterEach(() => database.close());

const fallSilent = (those: readonly WatchedAgent[]): void => {
  for (const one of those) one.isSilent = true;
};
const areHeard = (those: readonly WatchedAgent[]): void => {
  for (const one of those) one.isSilent = false;
};

/** The regular looks of so many seconds. @returns whether any storm has ended */
async function pass(seconds: number): Promise<boolean> {
  let hasEnded = false;
  for (let second = 0; second < seconds; second++) {
    await clock.advance(1000);
    if ((await watch.record()).hasEnded) hasEnded = true;
  }
  return hasEnded;
}

async function restart(): Promise<void> {
  states = new WatchdogStates(database, bus);
  await states.start();
  watch = new StormWatch({ clock, states, fleet: agents, limits: DEFAULT_STORM_LIMITS });
  watch.start();
}

const storms = (): readonly string[] => watch.list().map(({ domain }) => domain);
const changes = (): readonly boolean[] =>
  told.flatMap((event) => (event.event_type === 'watchdog.state.changed' ? [event.payload.active] : []));

const endings = (): readonly string[] =>
  told.flatMap(({ event_type: type, payload }) =>
    type === 'watchdog.storm.changed' && !payload.active ? [payload.reason] : [],
  );

describe('a storm is of the domain that explains most', () => {
  it('of one provider, not of the host and the groups in which its agents stand', async () => {
    const acme = [
      ...agents.add(10, 'external:a', 'host:h', 'provider:acme'),
      ...agents.add(10, 'external:b', 'host:h', 'provider:acme'),
    ];
    agents.add(8, 'external:a', 'host:h', 'provider:other');
    const [worker] = agents.add(4, 'pool:demo', 'host:h', 'provider:other');
    watch.start();
    await pass(1);
    fallSilent(acme);
    await pass(1);
    expect(storms()).toEqual(['provider:acme']);
    fallSilent(worker ? [worker] : []);
    expect(watch.judge(['pool:demo', 'host:h', 'provider:other'])).toBeNull();
    expect(watch.judge(['external:a', 'host:h', 'provider:acme'])).toMatchObject({
      domain: 'provider:acme',
      reason: '20 of 20 agents fell silent at once',
    });
  });

  it('of a host on which pools of other hosts have a few agents each', async () => {
    const hosts = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'];
    const byHost = hosts.map((host) =>
      ['a', 'b', 'c'].flatMap((pool) => agents.add(2, `pool:${pool}`, `host:${host}`)),
    );
    watch.start();
    await pass(1);
    fallSilent(byHost[0] ?? []);
    await pass(1);
    expect(storms()).toEqual(['host:h1']);
    expect(watch.judge(['pool:a', 'host:h2'])).toBeNull();
    expect(watch.judge(['pool:a', 'host:h1'])).toMatchObject({ domain: 'host:h1' });
  });

  it('of a pool, not of the host that the pool is half of', async () => {
    const demo = agents.add(6, 'pool:demo', 'host:h');
    agents.add(4, 'pool:other', 'host:h');
    watch.start();
    await pass(1);
    fallSilent(demo);
    await pass(1);
    expect(storms()).toEqual(['pool:demo']);
    expect(watch.judge(['pool:other', 'host:h'])).toBeNull();
  });

  it('of the fleet, where many small domains fall silent', async () => {
    const pairs = Array.from({ length: 10 }, (_, at) => agents.add(2, `pool:${at}`, `host:${at}`));
    watch.start();
    await pass(1);
    fallSilent(pairs.flat());
    await pass(1);
    expect(storms()).toEqual(['the fleet']);
    expect(watch.judge(['pool:new'])).toMatchObject({ domain: 'the fleet' });
  });
});

describe('a storm is seen', () => {
  it('though all of its domain came and fell silent between two looks', async () => {
    agents.add(20, 'pool:other', 'host:h');
    watch.start();
    await pass(5);
    fallSilent(agents.add(4, 'pool:new', 'host:h', 'provider:acme'));
    expect(watch.judge(['pool:new', 'host:h', 'provider:acme'])).toMatchObject({
      reason: '4 of 4 agents fell silent at once',
    });
    expect(watch.judge(['pool:other', 'host:h'])).toBeNull();
    await pass(1);
    expect(changes()).toEqual([true]);
  });

  it('between two looks, by whoever asks', async () => {
    const demo = agents.add(4, 'pool:demo', 'host:h');
    watch.start();
    await pass(1);
    fallSilent(demo.slice(0, 1));
    expect(watch.judge(['pool:demo', 'host:h'])).toBeNull();
    fallSilent(demo);
    expect(watch.judge(['pool:demo', 'host:h'])).toMatchObject({ domain: 'pool:demo' });
  });

  it('not in those who were silent when the watchdog began, nor where as many are heard again as fall silent', async () => {
    const first = agents.add(10, 'external:a', 'host:h1');
    const second = agents.add(10, 'external:a', 'host:h2');
    fallSilent(first);
    watch.start();
    await pass(3);
    expect(storms()).toEqual([]);
    areHeard(first);
    await pass(31);
    fallSilent(first.slice(0, 2));
    await pass(1);
    areHeard(first);
    fallSilent(second.slice(0, 2));
    await pass(1);
    expect(storms()).toEqual([]);
  });
});

describe.each(['host:h', 'provider:acme'])('a storm of %s', (domain) => {
  let those: readonly WatchedAgent[];
  beforeEach(async () => {
    those = ['a', 'b', 'c'].flatMap((pool) => agents.add(2, `pool:${pool}`, domain));
    for (const pool of ['a', 'b', 'c']) agents.add(4, `pool:${pool}`, 'host:other');
    watch.start();
    await pass(1);
    fallSilent(those);
    await pass(1);
    expect(storms()).toEqual([domain]);
    expect(states.get('storm')?.reason).toBe(`${domain}: 6 of 6 agents fell silent at once`);
  });

  it('says how it stands now, and on record how it began', async () => {
    const more = agents.add(4, 'pool:a', domain);
    fallSilent(more);
    await pass(1);
    expect(watch.list()).toMatchObject([{ domain, reason: '10 of 10 agents are silent' }]);
    areHeard(more);
    await pass(1);
    expect(watch.judge(['pool:a', domain])?.reason).toBe('6 of 10 agents are silent');
    await restart();
    expect(watch.list()).toMatchObject([{ domain, reason: '6 of 6 agents fell silent at once' }]);
    await pass(1);
    expect(watch.list()).toMatchObject([{ domain, reason: '6 of 10 agents are silent' }]);
    const began = told.filter(({ event_type: type }) => type === 'watchdog.storm.changed');
    expect(began.map(({ payload }) => payload)).toEqual([
      { domain, active: true, reason: '6 of 6 agents fell silent at once' },
    ]);
  });

  it('is told once, and so is its end, when health is back and has stayed', async () => {
    await pass(20);
    areHeard(those);
    expect(await pass(29)).toBe(false);
    expect(await pass(2)).toBe(true);
    expect(storms()).toEqual([]);
    await pass(60);
    expect(changes()).toEqual([true, false]);
    expect(endings()).toEqual(['health is back and has stayed']);
  });

  it('ends though nobody is heard again and nothing is repaired', async () => {
    expect(await pass(125)).toBe(true);
    expect(watch.judge(['pool:a', domain])).toBeNull();
    await pass(60);
    expect(changes()).toEqual([true, false]);
    expect(endings()).toEqual(['nobody more fell silent; 6 are silent still']);
  });

  it('is ended by a person, and does not begin anew with those who are silent then', async () => {
    expect(await watch.end('ann')).toBe(true);
    expect(watch.judge(['pool:a', domain])).toBeNull();
    await pass(60);
    expect(changes()).toEqual([true, false]);
    areHeard(those);
    await pass(31);
    fallSilent(those);
    await pass(1);
    expect(storms()).toEqual([domain]);
  });

  it('is over when its agents have left', async () => {
    agents.remove(those);
    expect(await pass(32)).toBe(true);
    expect(changes()).toEqual([true, false]);
  });

  it('goes on after a restart of the server, where it was, and ends', async () => {
    const before = watch.list();
    await restart();
    expect(watch.list()).toEqual(before);
    // Whoever is silent elsewhere is in none.
    expect(watch.judge(['pool:d', 'host:another'])).toBeNull();
    areHeard(those);
    expect(await pass(32)).toBe(true);
    expect(changes()).toEqual([true, false]);
  });

  it('goes on as one of the fleet where it is not known where it was, and ends', async () => {
    await database.transaction((tx) => tx.db.updateTable('watchdog_states').set({ storms: null }).execute());
    const { reason, sinceMs } = states.get('storm') ?? { reason: '', sinceMs: 0 };
    await restart();
    expect(watch.list()).toEqual([{ domain: 'the fleet', reason, sinceMs }]);
    areHeard(those);
    expect(await pass(32)).toBe(true);
    expect(changes()).toEqual([true, false]);
  });

  it('tells of each failure domain that comes into it or out of it, over a restart too', async () => {
    const others = agents.add(8, 'pool:later', 'host:later');
    await pass(1);
    fallSilent(others);
    await pass(2);
    await restart();
    await pass(1);
    areHeard(others);
    await pass(40);
    areHeard(those);
    await pass(40);
    const domains = told.flatMap((event) =>
      event.event_type === 'watchdog.storm.changed'
        ? [`${event.payload.domain} ${event.payload.active}`]
        : [],
    );
    expect(domains).toEqual([`${domain} true`, 'pool:later true', 'pool:later false', `${domain} false`]);
    // People are told once.
    expect(told.filter(({ event_type: type }) => type === 'watchdog.escalated')).toHaveLength(1);
    expect(changes()).toEqual([true, false]);
  });
});

describe('external agents, which choose their labels,', () => {
  it('make no storm of agents that Omoi runs, on their host, with their provider or in the fleet', async () => {
    const [hung] = agents.add(8, 'pool:demo', 'host:h', 'provider:acme');
    const strangers = [
      ...agents.add(40, 'external:a', 'host:h', 'provider:acme'),
      ...Array.from({ length: 40 }, (_, at) => agents.add(1, `external:b${at}`, 'host:h')).flat(),
      ...Array.from({ length: 40 }, (_, at) => agents.add(1, `external:c${at}`)).flat(),
    ];
    watch.start();
    await pass(1);
    fallSilent([...strangers, ...(hung ? [hung] : [])]);
    await pass(1);
    expect(watch.judge(['pool:demo', 'host:h', 'provider:acme'])).toBeNull();
    expect(storms()).toEqual(['external:a']);
  });

  it('speak for one where few agents that Omoi runs have fallen silent, and most of them', async () => {
    const workers = agents.add(2, 'pool:demo', 'host:h');
    const others = agents.add(10, 'external:a', 'host:h');
    watch.start();
    await pass(1);
    fallSilent([...workers, ...others]);
    await pass(1);
    expect(watch.judge(['pool:demo', 'host:h'])?.domain).toBe('host:h');
  });

  it('speak for one also where they are in a storm of their own already', async () => {
    const troubled = agents.add(30, 'external:troubled', 'provider:acme');
    const worker = agents.add(1, 'pool:troubled', 'host:h', 'provider:acme');
    const other = agents.add(1, 'pool:other', 'host:h', 'provider:other');
    agents.add(30, 'external:other', 'provider:other');
    watch.start();
    await pass(1);
    fallSilent(troubled);
    await pass(15);
    expect(storms()).toEqual(['external:troubled']);
    fallSilent([...worker, ...other]);
    await pass(1);
    expect(watch.judge(['pool:troubled', 'host:h', 'provider:acme'])?.domain).toBe('provider:acme');
    expect(watch.judge(['pool:other', 'host:h', 'provider:other'])).toBeNull();
    await pass(125);
    expect(watch.judge(['pool:troubled', 'host:h', 'provider:acme'])).toBeNull();
  });

  it('do not make one last, nor hide one', async () => {
    const workers = agents.add(4, 'pool:demo', 'host:h');
    const others = agents.add(100, 'external:a', 'host:h');
    watch.start();
    fallSilent(others.slice(0, 50));
    await pass(60);
    // As many are heard again as fall silent.
    areHeard(others.slice(0, 50));
    fallSilent(workers);
    await pass(1);
    expect(watch.judge(['pool:demo', 'host:h'])).not.toBeNull();
    areHeard(workers);
    for (let second = 0; second < 40; second++) {
      fallSilent(others.slice(second, second + 1));
      await pass(1);
    }
    expect(watch.judge(['pool:demo', 'host:h'])).toBeNull();
  });
});

it('looks at those alone who are silent, while there is no storm, and once however many ask', async () => {
  for (let at = 0; at < 1000; at++) agents.add(1, 'external:laptops', `host:${at}`, 'provider:acme');
  const looks = { all: 0, silent: 0 };
  const fleet = {
    health: (domain?: string) => agents.health(domain),
    cells: () => (looks.all++, agents.cells()),
    silentCells: () => (looks.silent++, agents.silentCells()),
  };
  watch = new StormWatch({ clock, states, fleet, limits: DEFAULT_STORM_LIMITS });
  watch.start();
  fallSilent(agents.add(1, 'external:laptops', 'host:last', 'provider:acme'));
  for (let decision = 0; decision < 100; decision++) watch.judge(['external:laptops', `host:${decision}`]);
  expect(looks).toEqual({ all: 0, silent: 2 });
});
