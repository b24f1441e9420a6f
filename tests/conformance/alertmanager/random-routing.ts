import type { Random } from '#telemetry';

/** A tree, inhibit rules, silences and alerts of their own: so many are in one configuration, each below a route of its own. */
export interface RandomScenario {
  readonly number: number;
  readonly routeText: string;
  readonly inhibitRuleText: string | null;
  /** What is silenced, if anything, and before which phase. */
  readonly silence: { readonly team: string; readonly beforePhase: number } | null;
  /** By phase: what is so from then on. */
  readonly phases: readonly (readonly PhasedAlert[])[];
}

export interface PhasedAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly status: 'firing' | 'resolved';
}

export const RECEIVERS = ['r0', 'r1', 'quiet'] as const;
const VALUES = {
  alertname: ['A', 'B', 'C'],
  team: ['x', 'y', 'z', ''],
  severity: ['warning', 'critical'],
} as const;
type Label = keyof typeof VALUES;
const LABELS = ['alertname', 'team', 'severity'] as const;
/** None of `[]`, by which a route has been grouped otherwise than its parent only since after 0.25. */
const GROUPINGS = ['[alertname]', '[team]', '[alertname, team]', "['...']"];

export class ScenarioGenerator {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Some fire; then others fire and some of these are over; then all are over. */
  scenario(number: number): RandomScenario {
    const labelSets = this.#labelSets(number);
    const begun = labelSets.filter(() => this.#chance(0.7));
    const over = begun.filter(() => this.#chance(0.3));
    const left = labelSets.filter((labels) => !over.includes(labels));
    return {
      number,
      routeText: this.#route(2, [`scenario="${number}"`], false),
      inhibitRuleText: this.#chance(0.4) ? inhibitRule(number) : null,
      silence: this.#chance(0.4)
        ? { team: this.#pick(VALUES.team), beforePhase: this.#chance(0.5) ? 0 : 1 }
        : null,
      phases: [
        begun.map(firing),
        [...labelSets.filter((labels) => !begun.includes(labels)).map(firing), ...over.map(resolved)],
        left.map(resolved),
      ],
    };
  }

  /** Distinct label sets. */
  #labelSets(number: number): readonly PhasedAlert['labels'][] {
    const found = new Map<string, PhasedAlert['labels']>();
    const count = 2 + Math.floor(this.#random.next() * 7);
    for (let at = 0; at < count; at++) {
      const labels = Object.fromEntries(
        LABELS.map((label) => [label, this.#pick(VALUES[label])] as const).filter(
          ([, value]) => value !== '',
        ),
      );
      found.set(JSON.stringify(labels), { ...labels, scenario: String(number) });
    }
    return [...found.values()];
  }

  #route(depth: number, matchers: readonly string[], mayContinue: boolean): string {
    const count = depth === 0 ? 0 : Math.floor(this.#random.next() * 4);
    const routes = Array.from({ length: count }, () => this.#route(depth - 1, [this.#matcher()], true));
    return [
      `{ receiver: ${this.#pick(RECEIVERS)}, matchers: [${matchers.map((one) => `'${one}'`).join(', ')}]`,
      ...(this.#chance(0.6) ? [`group_by: ${this.#pick(GROUPINGS)}`] : []),
      ...(mayContinue && this.#chance(0.5) ? ['continue: true'] : []),
      ...(routes.length > 0 ? [`routes: [${routes.join(', ')}]`] : []),
    ]
      .join(', ')
      .concat(' }');
  }

  #matcher(): string {
    const label: Label = this.#pick(LABELS);
    const [value, other] = [this.#pick(VALUES[label]), this.#pick(VALUES[label])];
    return this.#pick([
      `${label}="${value}"`,
      `${label}!="${value}"`,
      `${label}=~"${value}|${other}"`,
      `${label}!~"${value}|${other}"`,
    ]);
  }

  #chance(share: number): boolean {
    return this.#random.next() < share;
  }

  #pick<Value>(values: readonly Value[]): Value {
    const value = values[Math.floor(this.#random.next() * values.length)];
    if (value === undefined) throw new Error('there is nothing to pick from');
    return value;
  }
}

function inhibitRule(number: number): string {
  const matchers = (severity: string): string => `['scenario="${number}"', 'severity="${severity}"']`;
  return `{ source_matchers: ${matchers('critical')}, target_matchers: ${matchers('warning')}, equal: [team] }`;
}

function firing(labels: PhasedAlert['labels']): PhasedAlert {
  return { labels, status: 'firing' };
}

function resolved(labels: PhasedAlert['labels']): PhasedAlert {
  return { labels, status: 'resolved' };
}
