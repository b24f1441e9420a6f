import { ordersFor, type AgentOrder, type OrderedAgent } from './agent-orders.ts';
import { PAGES, type PageEntry } from './pages.ts';
import { isSick } from './whole-fleet.ts';

/** Where an entry leads. */
export type Place =
  | { readonly to: PageEntry['to']; readonly pool?: string }
  | { readonly to: '/fleet/$agentId'; readonly params: { readonly agentId: string } }
  | { readonly to: '/tasks/$taskId'; readonly params: { readonly taskId: string } }
  | { readonly to: '/alerts/$alertId'; readonly params: { readonly alertId: string } }
  | { readonly to: '/repairs/$remediationId'; readonly params: { readonly remediationId: string } };

/** What is asked of the server once it has been confirmed. */
export interface Order {
  /** What will happen, in sentences. */
  readonly effect: string;
  readonly method: 'POST' | 'DELETE';
  readonly path: string;
  /** Null: the order takes no body. */
  readonly body: object | null;
  /** What is read again afterwards: the first parts of query keys. */
  readonly changes: readonly string[];
}

/** An order as it is asked about before it is given. */
export interface AskedOrder {
  readonly kind: 'order';
  readonly order: Order;
  /** What is sent as its reason where none is given; absent: none is asked for. */
  readonly reason?: string;
  /** What may lose something is in the colour of that. */
  readonly isGrave?: boolean;
}

export type PaletteAct =
  | { readonly kind: 'go'; readonly place: Place }
  | AskedOrder
  | { readonly kind: 'help' }
  | { readonly kind: 'scheme' }
  | { readonly kind: 'docs' };

export interface PaletteEntry {
  readonly id: string;
  readonly group: 'page' | 'agent' | 'pool' | 'alert' | 'repair' | 'task' | 'action';
  readonly title: string;
  /** What tells it from others of the same title: a state, a letter. */
  readonly hint: string;
  /** Its id, where the title does not have it: who has one from a log finds what it names. */
  readonly key?: string;
  readonly act: PaletteAct;
  /** Whether it burns, or waits for a person: it comes first where nothing was typed. */
  readonly isUrgent?: boolean;
}

/** What there is to find; of large lists what was read of them. */
export interface PaletteWorld {
  readonly agents: readonly OrderedAgent[];
  readonly pools: readonly { readonly pool_id: string }[];
  readonly alerts: readonly {
    readonly id: string;
    readonly name: string;
    readonly subject: string | null;
    readonly severity: string;
    readonly isAcknowledged: boolean;
  }[];
  readonly repairs: readonly {
    readonly id: string;
    readonly name: string;
    /** As its page says: one that is only observed is not planned. */
    readonly state: string;
  }[];
  readonly tasks: readonly {
    readonly task_id: string;
    readonly task_type: string;
    readonly state: string;
  }[];
  readonly isPaused: boolean;
  /** Whether whoever is logged in may act; who may not finds no action. */
  readonly mayHandle: boolean;
}

/** The state of a repair that a person has to decide about. */
const AWAITING = 'awaiting approval';

const CHANGED_BY_REPAIRS = ['watchdog', 'remediations', 'overview'];

/** All entries, in the order in which they are shown where nothing was typed. */
export function paletteEntries(world: PaletteWorld): readonly PaletteEntry[] {
  return [
    ...PAGES.map(({ to, name, letter }): PaletteEntry => {
      return { id: to, group: 'page', title: name, hint: `g ${letter}`, act: { kind: 'go', place: { to } } };
    }),
    ...world.alerts.map(({ id, name, subject, severity, isAcknowledged }): PaletteEntry => {
      const title = subject === null ? name : `${name} of ${subject}`;
      const act = { kind: 'go', place: { to: '/alerts/$alertId', params: { alertId: id } } } as const;
      const isUrgent = !isAcknowledged;
      return { id: `alert ${id}`, group: 'alert', title, hint: severity, key: id, act, isUrgent };
    }),
    ...world.repairs.map(({ id, name, state }): PaletteEntry => {
      const place = { to: '/repairs/$remediationId', params: { remediationId: id } } as const;
      const act = { kind: 'go', place } as const;
      const isUrgent = state === AWAITING;
      return { id: `repair ${id}`, group: 'repair', title: name, hint: state, key: id, act, isUrgent };
    }),
    ...world.tasks.map(({ task_id: taskId, task_type: type, state }): PaletteEntry => {
      const act = { kind: 'go', place: { to: '/tasks/$taskId', params: { taskId } } } as const;
      const title = `${type} ${taskId.slice(-6)}`;
      return { id: `task ${taskId}`, group: 'task', title, hint: state, key: taskId, act };
    }),
    ...(world.mayHandle ? actionsOf(world) : []),
    {
      id: 'scheme',
      group: 'action',
      title: 'Change between light and dark',
      hint: '',
      act: { kind: 'scheme' },
    },
    { id: 'help', group: 'action', title: 'Show the keys', hint: '?', act: { kind: 'help' } },
    { id: 'docs', group: 'action', title: 'Read the documentation', hint: '', act: { kind: 'docs' } },
    ...world.pools.map(({ pool_id: pool }): PaletteEntry => {
      const act = { kind: 'go', place: { to: '/fleet', pool } } as const;
      return { id: `pool ${pool}`, group: 'pool', title: pool, hint: '', act };
    }),
    ...world.agents.map(({ agent_id: agentId, status }): PaletteEntry => {
      const act = { kind: 'go', place: { to: '/fleet/$agentId', params: { agentId } } } as const;
      const hint = status.toLowerCase();
      return {
        id: `agent ${agentId}`,
        group: 'agent',
        title: agentId,
        hint,
        act,
        isUrgent: isSick({ status }),
      };
    }),
  ];
}

function actionsOf({ alerts, repairs, agents, isPaused }: PaletteWorld): readonly PaletteEntry[] {
  return [
    isPaused ? resume() : pause(),
    ...repairs
      .filter(({ state }) => state === AWAITING)
      .flatMap(({ id, name }) => [decide('approve', id, name), decide('reject', id, name)]),
    ...alerts
      .filter(({ isAcknowledged }) => !isAcknowledged)
      .map(({ id, name, subject }) => acknowledge(id, subject === null ? name : `${name} of ${subject}`)),
    ...agents.flatMap(ordersOf),
  ];
}

function action(title: string, order: Order): PaletteEntry {
  return { id: title, group: 'action', title, hint: '', act: { kind: 'order', order } };
}

function pause(): PaletteEntry {
  return action('Pause the watchdog', {
    effect: 'No repair begins until somebody resumes; what runs is seen through.',
    method: 'POST',
    path: '/api/v1/watchdog/pause',
    body: { reason: 'paused in mission control' },
    changes: CHANGED_BY_REPAIRS,
  });
}

function resume(): PaletteEntry {
  return action('Resume the watchdog', {
    effect: 'Repairs go on, those that were held back first.',
    method: 'POST',
    path: '/api/v1/watchdog/resume',
    body: {},
    changes: CHANGED_BY_REPAIRS,
  });
}

function decide(decision: 'approve' | 'reject', id: string, name: string): PaletteEntry {
  return action(`${decision === 'approve' ? 'Approve' : 'Reject'} ${name}`, {
    effect: decision === 'approve' ? 'It begins at once.' : 'It ends without having done anything.',
    method: 'POST',
    path: `/api/v1/watchdog/remediations/${encodeURIComponent(id)}/${decision}`,
    body: {},
    changes: CHANGED_BY_REPAIRS,
  });
}

function acknowledge(id: string, name: string): PaletteEntry {
  return action(`Acknowledge ${name}`, {
    effect: 'Everybody sees that you have it; it goes on firing until its condition ends.',
    method: 'POST',
    path: `/api/v1/alerts/${encodeURIComponent(id)}/acknowledge`,
    body: {},
    changes: ['alerts', 'overview'],
  });
}

const CHANGED_BY_AGENT_ORDERS = ['agents', 'fleet', 'pools', 'overview', 'remediations', 'held', 'about'];

/** An order to an agent as it is asked about, wherever that is. */
export function askedOf({ label, effect, method, path, body, isGrave }: AgentOrder): AskedOrder {
  return {
    kind: 'order',
    order: { effect, method, path, body, changes: CHANGED_BY_AGENT_ORDERS },
    ...(body === null ? {} : { reason: `${label.toLowerCase()} in mission control` }),
    isGrave,
  };
}

/** What may be done with an agent now; what is refused is told on its page. */
function ordersOf(agent: OrderedAgent): readonly PaletteEntry[] {
  return ordersFor(agent)
    .filter(({ refused }) => refused === null)
    .map((order): PaletteEntry => {
      const title = `${order.label} ${agent.agent_id}`;
      return { id: title, group: 'action', title, hint: '', act: askedOf(order) };
    });
}

/** What stays of a list where nothing was typed: a few of each kind, so that all kinds are seen. */
const shownOfGroup = 7;
/** Of what burns a few of each kind stand before everything else. */
const firstOfGroup = 5;

/**
 * The entries in which every typed word occurs, those first in whose title it begins a word; at most `max`. Where nothing was
 * typed, what burns or waits for a person, then a few of each kind.
 */
export function findEntries(
  entries: readonly PaletteEntry[],
  typed: string,
  max: number,
): readonly PaletteEntry[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return urgentThenFewOfEach(entries).slice(0, max);
  const found = entries
    .flatMap((entry) => {
      const score = scoreOf(entry, words);
      return score === null ? [] : [{ entry, score }];
    })
    .toSorted((left, right) => left.score - right.score)
    .slice(0, max)
    .map(({ entry }) => entry);
  const named = entryOfId(typed.trim());
  return named === null || found.some(({ key }) => key === named.key) ? found : [named];
}

/** What an id names that is on no list here: what is older, or one of many. */
function entryOfId(typed: string): PaletteEntry | null {
  const [, prefix] = /^(task|alrt|rem)_[a-z0-9]{26}$/.exec(typed) ?? [];
  const place = (): Place => {
    if (prefix === 'task') return { to: '/tasks/$taskId', params: { taskId: typed } };
    if (prefix === 'alrt') return { to: '/alerts/$alertId', params: { alertId: typed } };
    return { to: '/repairs/$remediationId', params: { remediationId: typed } };
  };
  if (prefix === undefined) return null;
  const group = prefix === 'task' ? 'task' : prefix === 'alrt' ? 'alert' : 'repair';
  return { id: typed, group, title: typed, hint: 'open', key: typed, act: { kind: 'go', place: place() } };
}

function urgentThenFewOfEach(entries: readonly PaletteEntry[]): readonly PaletteEntry[] {
  const urgent = fewOfEach(
    entries.filter(({ isUrgent }) => isUrgent === true),
    firstOfGroup,
  );
  const first = new Set(urgent);
  return [
    ...urgent,
    ...fewOfEach(
      entries.filter((entry) => !first.has(entry)),
      shownOfGroup,
    ),
  ];
}

function fewOfEach(entries: readonly PaletteEntry[], most: number): readonly PaletteEntry[] {
  const seen = new Map<string, number>();
  return entries.filter(({ group }) => {
    const count = (seen.get(group) ?? 0) + 1;
    seen.set(group, count);
    return count <= most;
  });
}

/** 0 is best; null: a word does not occur. */
function scoreOf({ title, group, hint, key = '' }: PaletteEntry, words: readonly string[]): number | null {
  const name = title.toLowerCase();
  const beside = `${group} ${hint} ${key}`.toLowerCase();
  let score = group === 'page' ? -1 : 0;
  for (const word of words) {
    const at = name.indexOf(word);
    if (at === 0) score += name.length === word.length ? -1 : 0;
    else if (at > 0) score += /[\s_./-]/.test(name[at - 1] ?? '') ? 1 : 2;
    else if (beside.includes(word)) score += 3;
    else return null;
  }
  return score;
}
