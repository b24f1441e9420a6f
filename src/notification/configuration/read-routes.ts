import { copyLabels, type Labels } from '#telemetry';
import { routeNodeSchema, type RouteKeys } from './configuration-schema.ts';
import { isMapping, itemsOf, soundKeys, type Findings, type NameSet, type Path } from './findings.ts';
import { formatMatchers, isLabelName, type MatcherMode } from './matchers/index.ts';
import type { Route } from './notification-configuration.ts';
import { NO_ROUTE_EXTRAS, routeExtras } from './omoi-schema.ts';
import { readMatchers } from './read-matchers.ts';

/** How deep routes may stand in each other, and how many there may be. */
export const maxRouteDepth = 100;
export const maxRoutes = 10_000;

const GROUP_BY_ALL = '...';

/** What the routes of a tree may name. */
export interface RouteNames {
  readonly receivers: NameSet;
  readonly timeIntervals: NameSet;
  readonly escalations: NameSet;
}

export interface RouteReader {
  readonly findings: Findings;
  readonly mode: MatcherMode;
  readonly names: RouteNames;
}

/** What stands above the root: Alertmanager's defaults. */
const ABOVE: Inherited = {
  receiver: '',
  groupBy: [],
  groupWaitMs: 30_000,
  groupIntervalMs: 5 * 60_000,
  repeatIntervalMs: 4 * 3_600_000,
  labels: {},
  omoi: NO_ROUTE_EXTRAS,
};

type Inherited = Pick<
  Route,
  'receiver' | 'groupBy' | 'groupWaitMs' | 'groupIntervalMs' | 'repeatIntervalMs' | 'labels' | 'omoi'
>;

/** The node above others. */
interface Above {
  readonly id: string;
  readonly key: string;
  /** How many of its children have which matchers, of those that have been read. */
  readonly children: Map<string, number>;
}

/** Where a node hangs in the tree. */
interface Place {
  readonly path: Path;
  readonly inherited: Inherited;
  /** Null at the root. */
  readonly above: Above | null;
  readonly depth: number;
}

/**
 * The tree, with what is inherited filled in. What is wrong in it is found and left out.
 * @param written the `route` of a file
 */
export function readRoutes(written: unknown, reader: RouteReader): Route | null {
  if (written === undefined || written === null) {
    reader.findings.problem([], 'no route provided in config; every configuration has a `route`');
    return null;
  }
  const root = new Tree(reader).read(written, { path: ['route'], inherited: ABOVE, above: null, depth: 0 });
  if (root && isMapping(written)) checkRoot(written, root, reader.findings);
  return root;
}

function checkRoot(written: Readonly<Record<string, unknown>>, root: Route, findings: Findings): void {
  const path = ['route'];
  const { receiver } = written;
  if (receiver === undefined || receiver === null || receiver === '')
    findings.problem(path, 'root route must specify a default receiver');
  if (root.continues) findings.problem([...path, 'continue'], 'cannot have continue in root route');
  if (root.muteTimeIntervals.length > 0) {
    findings.problem([...path, 'mute_time_intervals'], 'root route must not have any mute time intervals');
  }
  if (root.activeTimeIntervals.length > 0) {
    findings.problem(
      [...path, 'active_time_intervals'],
      'root route must not have any active time intervals',
    );
  }
  const key = ['match', 'match_re', 'matchers'].find((name) => isFilled(written[name]));
  if (key !== undefined) findings.problem([...path, key], 'root route must not have any matchers');
}

function isFilled(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : isMapping(value) && Object.keys(value).length > 0;
}

class Tree {
  readonly #reader: RouteReader;
  #count = 0;

  constructor(reader: RouteReader) {
    this.#reader = reader;
  }

  read(written: unknown, place: Place): Route | null {
    const { findings } = this.#reader;
    const { path, depth } = place;
    if (written === null) {
      findings.problem(path, 'an item of `routes` is empty');
      return null;
    }
    this.#count++;
    if (this.#count > maxRoutes) {
      if (this.#count === maxRoutes + 1) findings.problem(path, `more than ${maxRoutes} routes`);
      return null;
    }
    if (depth > maxRouteDepth) {
      findings.problem(path, `routes stand more than ${maxRouteDepth} deep in each other`);
      return null;
    }
    const node = this.#node(soundKeys(routeNodeSchema, written), place);
    const below = isMapping(written) ? itemsOf(written['routes']) : [];
    const above = { id: node.id, key: node.key, children: new Map<string, number>() };
    const routes = below.map((child, index) =>
      this.read(child, {
        path: [...path, 'routes', index],
        inherited: node,
        above,
        depth: depth + 1,
      }),
    );
    return { ...node, routes: routes.filter((route) => route !== null) };
  }

  #node(keys: RouteKeys, { path, inherited, above }: Place): Omit<Route, 'routes'> {
    const { findings, mode, names } = this.#reader;
    if (keys.receiver !== '') {
      findings.reference([...path, 'receiver'], {
        what: 'receiver',
        name: keys.receiver,
        known: names.receivers,
        by: 'used in route',
      });
    }
    for (const key of ['mute_time_intervals', 'active_time_intervals'] as const) {
      keys[key].forEach((name, index) =>
        findings.reference([...path, key, index], {
          what: 'time interval',
          name,
          known: names.timeIntervals,
          by: 'used in route',
        }),
      );
    }
    for (const key of ['group_interval', 'repeat_interval'] as const) {
      if (keys[key] === 0) findings.problem([...path, key], `${key} cannot be zero`);
    }
    const omoi = routeExtras(keys['x-omoi'], inherited.omoi);
    if (keys['x-omoi']?.escalation) {
      findings.reference([...path, 'x-omoi', 'escalation'], {
        what: 'escalation',
        name: keys['x-omoi'].escalation,
        known: names.escalations,
      });
    }
    const matchers = readMatchers(keys, { path, prefix: '' }, { findings, mode });
    const text = formatMatchers(matchers);
    return {
      id: above ? `${above.id}/${text}/${placeAmong(above.children, text)}` : text,
      key: above ? `${above.key}/${text}` : text,
      receiver: keys.receiver || inherited.receiver,
      matchers,
      continues: keys.continue,
      groupBy: this.#groupBy(keys.group_by, path) ?? inherited.groupBy,
      groupWaitMs: keys.group_wait ?? inherited.groupWaitMs,
      groupIntervalMs: keys.group_interval ?? inherited.groupIntervalMs,
      repeatIntervalMs: keys.repeat_interval ?? inherited.repeatIntervalMs,
      muteTimeIntervals: keys.mute_time_intervals,
      activeTimeIntervals: keys.active_time_intervals,
      labels: this.#labels(keys.labels, path, inherited.labels),
      omoi,
    };
  }

  /** Null where it is inherited. */
  #groupBy(written: readonly string[] | null | undefined, path: Path): Route['groupBy'] | null {
    if (!written) return null;
    const { findings, mode } = this.#reader;
    const names = written.filter((name) => name !== GROUP_BY_ALL);
    const isAll = names.length < written.length;
    if (isAll && names.length > 0) {
      findings.problem(
        [...path, 'group_by'],
        'cannot have wildcard group_by (`...`) and other labels at the same time',
      );
    }
    written.forEach((name, index) => {
      const at = [...path, 'group_by', index];
      if (name === GROUP_BY_ALL) return;
      if (!isLabelName(name, mode)) findings.problem(at, `invalid label name "${name}" in group_by list`);
      else if (written.indexOf(name) < index) findings.problem(at, `duplicated label "${name}" in group_by`);
    });
    return isAll ? 'all' : [...new Set(names)].sort();
  }

  #labels(written: Labels, path: Path, inherited: Labels): Labels {
    const { findings, mode } = this.#reader;
    const own = Object.entries(written);
    if (own.length === 0) return inherited;
    const labels = copyLabels(inherited);
    for (const [name, value] of own) {
      if (!isLabelName(name, mode)) {
        findings.problem([...path, 'labels', name], `invalid label name "${name}" in route labels`);
      }
      labels[name] = value;
    }
    return labels;
  }
}

/** Of siblings with the same matchers the how manieth it is, from 0. Others that come or go beside it change nothing about that. */
function placeAmong(children: Map<string, number>, matchers: string): number {
  const place = children.get(matchers) ?? 0;
  children.set(matchers, place + 1);
  return place;
}
