import type { Clock } from '#telemetry';
import type { DomainCell, FleetActuator } from '../ports.ts';
import type { WatchdogStates } from '../watchdog-states.ts';
import {
  Falls,
  judgeStorm,
  NO_STORM,
  type Silence,
  type Storm,
  type StormLimits,
  type StormState,
} from './storm.ts';

export interface StormWatchParts {
  readonly clock: Clock;
  readonly states: WatchdogStates;
  readonly fleet: Pick<FleetActuator, 'health' | 'cells' | 'silentCells'>;
  readonly limits: StormLimits;
}

/** Its name among the failure domains. */
export const WHOLE_FLEET = 'the fleet';

interface Domain extends Silence {
  readonly cells: readonly FallenCell[];
  /** How many are silent of all, also of those whose silence makes no storm. */
  readonly allSilent: number;
}

/** A cell, and how many of it have fallen silent. */
interface FallenCell extends DomainCell {
  readonly fell: number;
}

interface StormUnderWay {
  readonly state: StormState;
  readonly sinceMs: number;
}

/**
 * The one owner of storms: of each failure domain, and of what is left of the fleet. Silence counts once: the domain of which
 * the greatest share has fallen silent is in a storm, and what is silent there is no storm of the other domains that its
 * agents are in. So the agents of one provider do not hold back those of another on the same host. Where Omoi runs agents of
 * a domain, theirs is the silence that counts: external ones choose their labels, and only add to how many have to have
 * fallen silent. Whoever decides asks it, and it alone records what begins and ends. One storm is told, whatever domains it
 * comes to.
 */
export class StormWatch {
  readonly #parts: StormWatchParts;
  readonly #cellFalls: Falls;
  readonly #domainFalls: Falls;
  /** Also of `WHOLE_FLEET`, which counts those who are in no storm of their own. */
  readonly #storms = new Map<string, StormUnderWay>();
  /** How many were silent in each domain, and in all, at the last look. */
  #silentBefore: ReadonlyMap<string, number> = new Map();
  /** The storms at the last `record`. */
  #recorded: ReadonlySet<string> = new Set();
  /** Why storms have ended since then. */
  readonly #endings = new Set<string>();

  constructor(parts: StormWatchParts) {
    this.#parts = parts;
    this.#cellFalls = new Falls(parts.limits.withinMs);
    this.#domainFalls = new Falls(parts.limits.withinMs);
  }

  /** Goes on with the storms in which the last process ended. Call when the states have been read. */
  start(): void {
    const { states } = this.#parts;
    this.#settle();
    const recorded = states.get('storm');
    if (!recorded) return;
    const { reason, sinceMs } = recorded;
    const storms = states.storms();
    // Of one that a server before 052 has recorded nobody knows where it was.
    for (const storm of storms.length === 0 ? [{ domain: WHOLE_FLEET, reason, sinceMs }] : storms)
      this.#goOn(storm);
    this.#recorded = new Set(this.#storms.keys());
  }

  #goOn({ domain, reason, sinceMs }: Storm): void {
    const settledSinceMs = this.#parts.clock.monotonicMs();
    const state = { ...NO_STORM, active: true, reason, settledSinceMs, silent: Infinity };
    this.#storms.set(domain, { state, sinceMs });
  }

  /**
   * The storm that agents of these domains are in, or null. Where more are silent than at the last look, it looks: alerts may
   * come faster than the regular look.
   */
  judge(domains: readonly string[]): Storm | null {
    const { fleet } = this.#parts;
    const hasGrown = ({ silent }: { readonly silent: number }, name: string): boolean =>
      silent > (this.#silentBefore.get(name) ?? 0);
    if (hasGrown(fleet.health(), WHOLE_FLEET) || domains.some((name) => hasGrown(fleet.health(name), name)))
      this.#look();
    for (const domain of [...domains, WHOLE_FLEET]) {
      const storm = this.#storms.get(domain);
      if (storm) return stormOf(domain, storm);
    }
    return null;
  }

  /** Those that are on, the first one first. */
  list(): readonly Storm[] {
    return [...this.#storms].map(([domain, storm]) => stormOf(domain, storm));
  }

  /** A person has looked: the storms are over. Those who are silent now are no new one. @returns whether there was one */
  async end(by: string): Promise<boolean> {
    const { states } = this.#parts;
    const hadAny = this.#storms.size > 0;
    this.#storms.clear();
    this.#settle();
    if (states.get('storm') === null) return hadAny;
    await states.setStorms({ storms: [], ended: 'ended by a person', by });
    this.#recorded = new Set();
    return true;
  }

  /**
   * Records which failure domains have come into a storm, or out of it.
   * @returns whether any storm has begun, and whether any has ended: who was held back by it may go on, while others still are
   * @throws what the database throws
   */
  async record(): Promise<{ readonly hasBegun: boolean; readonly hasEnded: boolean }> {
    this.#look();
    const storms = this.list();
    const now = new Set(storms.map(({ domain }) => domain));
    const before = this.#recorded;
    const hasEnded = [...before].some((domain) => !now.has(domain));
    const hasBegun = [...now].some((domain) => !before.has(domain));
    if (hasEnded || hasBegun) {
      const ended = [...this.#endings].join('; ');
      await this.#parts.states.setStorms({ storms, ended, by: 'watchdog' });
    }
    this.#endings.clear();
    this.#recorded = now;
    return { hasBegun, hasEnded };
  }

  #look(): void {
    const { clock, fleet } = this.#parts;
    const ms = clock.monotonicMs();
    if (this.#storms.size === 0 && !this.#mayBeginAny(ms)) return;
    const cells = this.#fallen(fleet.cells(), ms);
    const domains = byDomain(cells, this.#storms);
    this.#endThoseOver(domains, ms);
    this.#beginOwn(domains, ms);
    this.#judgeRest(cells, ms);
    this.#remember(domains, cells);
  }

  /** Whether there is a domain, or the fleet, that would be in a storm by itself: most often nobody has to look further. */
  #mayBeginAny(ms: number): boolean {
    const { fleet, limits } = this.#parts;
    const silentCells = this.#fallen(fleet.silentCells(), ms);
    const domains = byDomain(silentCells, this.#storms);
    this.#remember(domains, silentCells);
    for (const [name, { cells }] of domains) this.#fellIn(name, cells, ms);
    this.#fellIn(WHOLE_FLEET, silentCells, ms);
    // In which share of whom, those who are heard say as well.
    const hasEnough = (cells: readonly FallenCell[]): boolean => sumOf(cells).fell >= limits.minSilent;
    return hasEnough(silentCells) || [...domains.values()].some(({ cells }) => hasEnough(cells));
  }

  /** How many more of a domain are silent than at the best moment of a short past, of those whose silence counts. */
  #fellIn(name: string, cells: readonly FallenCell[], ms: number): number {
    const own = cells.filter(isOmois);
    const ofOwn = this.#domainFalls.of(ownOf(name), sumOf(own).silent, ms);
    const ofAll = this.#domainFalls.of(name, sumOf(cells).silent, ms);
    return sumOf(own).agents > 0 ? ofOwn : ofAll;
  }

  #settleIn(name: string, cells: readonly FallenCell[], ms: number): void {
    this.#domainFalls.settle(ownOf(name), sumOf(cells.filter(isOmois)).silent, ms);
    this.#domainFalls.settle(name, sumOf(cells).silent, ms);
  }

  #fallen(cells: Iterable<DomainCell>, ms: number): readonly FallenCell[] {
    const fallen: FallenCell[] = [];
    const silentIds = new Set<string>();
    for (const { id, domains, agents, silent } of cells) {
      const fell = silent === 0 ? 0 : this.#cellFalls.of(id, silent, ms);
      if (silent > 0) silentIds.add(id);
      fallen.push({ id, domains, agents, silent, fell });
    }
    this.#cellFalls.keep(silentIds);
    return fallen;
  }

  /** Whether a storm is over is told by all who are in its domain. */
  #endThoseOver(domains: ReadonlyMap<string, Domain>, ms: number): void {
    const { limits } = this.#parts;
    for (const [name, { state, sinceMs }] of this.#storms) {
      if (name === WHOLE_FLEET) continue;
      const domain = domains.get(name);
      const next = domain ? judgeStorm(state, domain, { ms, limits }) : NO_STORM;
      if (next.active) this.#storms.set(name, { state: next, sinceMs });
      else this.#end(name, domain?.cells ?? [], ms);
    }
  }

  /** What is silent still when a storm is over is so for a cause of its own. */
  #end(name: string, cells: readonly FallenCell[], ms: number): void {
    this.#storms.delete(name);
    const { silent, agents } = sumOf(cells);
    const isWell = silent === 0 || silent / agents < this.#parts.limits.leaveShare;
    this.#endings.add(
      isWell ? 'health is back and has stayed' : `nobody more fell silent; ${silent} are silent still`,
    );
    this.#settleIn(name, cells, ms);
  }

  #beginOwn(domains: ReadonlyMap<string, Domain>, ms: number): void {
    const { clock, limits } = this.#parts;
    const fallen = [...domains].map(([name, { cells }]) => {
      const fell = this.#fellIn(name, cells, ms);
      // External ones that are in a storm of their own speak for this one, too: it may be for the same cause.
      const fellBeside = fellBesideOmois(cells);
      const look = (): Silence => ({ ...limitedTo(fell, this.#outsideStorms(cells)), fellBeside });
      return { name, look, before: look() };
    });
    const mostFirst = fallen
      .filter(({ before }) => judgeStorm(NO_STORM, before, { ms, limits }).active)
      .toSorted((a, b) => shareOf(b.before) - shareOf(a.before) || allFallen(b.before) - allFallen(a.before));
    for (const { name, look } of mostFirst) {
      const state = judgeStorm(NO_STORM, look(), { ms, limits });
      if (!state.active) continue;
      const { silent = 0, agents = 0 } = domains.get(name) ?? {};
      this.#storms.set(name, { state: { ...state, silent, agents }, sinceMs: clock.wallMs() });
    }
  }

  #judgeRest(cells: readonly FallenCell[], ms: number): void {
    const { clock, limits } = this.#parts;
    const fell = this.#fellIn(WHOLE_FLEET, cells, ms);
    const rest = limitedTo(fell, this.#outsideStorms(cells));
    const storm = this.#storms.get(WHOLE_FLEET);
    const state = judgeStorm(storm?.state ?? NO_STORM, rest, { ms, limits });
    if (state.active) this.#storms.set(WHOLE_FLEET, { state, sinceMs: storm?.sinceMs ?? clock.wallMs() });
    else if (storm) this.#end(WHOLE_FLEET, cells, ms);
  }

  /** Those who are in no storm of a domain of theirs. */
  #outsideStorms(cells: readonly FallenCell[]): Silence {
    return silenceOf(cells.filter(({ domains }) => !domains.some((domain) => this.#storms.has(domain))));
  }

  /** Who is silent already falls silent no more. */
  #settle(): void {
    const { clock, fleet } = this.#parts;
    const ms = clock.monotonicMs();
    const cells = this.#fallen(fleet.silentCells(), ms);
    const domains = byDomain(cells, this.#storms);
    for (const { id, silent } of cells) this.#cellFalls.settle(id, silent, ms);
    for (const [name, domain] of domains) this.#settleIn(name, domain.cells, ms);
    this.#settleIn(WHOLE_FLEET, cells, ms);
    this.#remember(domains, cells);
  }

  #remember(domains: ReadonlyMap<string, Domain>, cells: readonly FallenCell[]): void {
    const silent = new Map([...domains].map(([name, { allSilent }]) => [name, allSilent]));
    this.#silentBefore = silent.set(WHOLE_FLEET, sumOf(cells).silent);
    this.#domainFalls.keep(new Set([...silent.keys()].flatMap((name) => [name, ownOf(name)])));
  }
}

function stormOf(domain: string, { state: { reason }, sinceMs }: StormUnderWay): Storm {
  return { domain, reason, sinceMs };
}

/** The domains in which somebody is silent, and those that are in a storm: of many hosts most are neither. */
function byDomain(
  cells: readonly FallenCell[],
  storms: ReadonlyMap<string, unknown>,
): ReadonlyMap<string, Domain> {
  const cellsOf = new Map<string, FallenCell[]>();
  for (const domain of storms.keys()) if (domain !== WHOLE_FLEET) cellsOf.set(domain, []);
  for (const { silent, domains } of cells) {
    if (silent > 0) for (const domain of domains) cellsOf.set(domain, []);
  }
  for (const cell of cells) for (const domain of cell.domains) cellsOf.get(domain)?.push(cell);
  return new Map(
    [...cellsOf].map(([name, those]) => [
      name,
      { cells: those, allSilent: sumOf(those).silent, ...silenceOf(those) },
    ]),
  );
}

/** Of those that Omoi runs, where it runs some; the others add to how many have fallen silent, and to no share. */
function silenceOf(cells: readonly FallenCell[]): Silence {
  const own = sumOf(cells.filter(isOmois));
  if (own.agents === 0) return sumOf(cells);
  return { ...own, fellBeside: fellBesideOmois(cells) };
}

/** How many external agents have fallen silent beside those that Omoi runs; 0 where it runs none. */
function fellBesideOmois(cells: readonly FallenCell[]): number {
  const own = sumOf(cells.filter(isOmois));
  return own.agents === 0 ? 0 : sumOf(cells).fell - own.fell;
}

/** Whether Omoi runs the agents of a cell: where they stand is not theirs to say. */
function isOmois({ domains: [first = ''] }: DomainCell): boolean {
  return first === POOLED || first.startsWith(`${POOLED}:`);
}

/** How the first failure domain begins of agents that Omoi runs. */
const POOLED = 'pool';

/** The name under which it is noted how many of a domain's agents are silent that Omoi runs. */
function ownOf(name: string): string {
  return `own ${name}`;
}

function sumOf(cells: readonly FallenCell[]): Silence {
  const sum = { agents: 0, silent: 0, fell: 0, fellBeside: 0 };
  for (const { agents, silent, fell } of cells) {
    sum.agents += agents;
    sum.silent += silent;
    sum.fell += fell;
  }
  return sum;
}

/** Where some fall silent while others are heard again, no more have fallen than there are more silent ones. */
function limitedTo(fell: number, silence: Silence): Silence {
  return { ...silence, fell: Math.min(fell, silence.fell) };
}

function allFallen({ fell, fellBeside = 0 }: Silence): number {
  return fell + fellBeside;
}

function shareOf({ agents, fell }: Silence): number {
  return agents === 0 ? 0 : fell / agents;
}
