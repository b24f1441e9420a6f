import type { Random } from '#telemetry';

/** A node of a tree as it stands in a file. */
export interface WrittenRoute {
  readonly receiver?: string;
  readonly matchers?: readonly string[];
  readonly match?: Readonly<Record<string, string>>;
  readonly match_re?: Readonly<Record<string, string>>;
  readonly continue?: boolean;
  readonly group_by?: readonly string[];
  readonly routes?: readonly WrittenRoute[];
}

const NAMES = ['a', 'b', 'c', 'd'];
const VALUES = ['', 'x', 'y', 'xy', 'z z', 'q"\\', 'é'];
const PATTERNS = ['x|y', 'x.*', '.+', '.*', '(x|z z)', '[xy]+', '', 'é', '^x$', 'X', '(?i)X'];
export const RECEIVERS = ['r0', 'r1', 'r2', 'r3'];

/** Random trees and label sets of the classic grammar, which Alertmanager 0.25 reads. */
export class RouteGenerator {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Nodes below one another, at most `depth` of them. */
  routes(depth: number): readonly WrittenRoute[] {
    return Array.from({ length: this.#below(depth === 3 ? 6 : 4) }, () => this.#route(depth));
  }

  labels(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      NAMES.filter(() => this.#chance(0.7)).map((name) => [name, this.#oneOf(VALUES)] as const),
    );
  }

  #route(depth: number): WrittenRoute {
    return {
      ...(this.#chance(0.7) && { receiver: this.#oneOf(RECEIVERS) }),
      ...(this.#chance(0.6) && {
        matchers: Array.from({ length: 1 + this.#below(2) }, () => this.#matcher()),
      }),
      ...(this.#chance(0.3) && { match: { [this.#oneOf(NAMES)]: this.#oneOf(VALUES) } }),
      ...(this.#chance(0.3) && { match_re: { [this.#oneOf(NAMES)]: this.#oneOf(PATTERNS) } }),
      ...(this.#chance(0.4) && { continue: true }),
      ...(this.#chance(0.4) && { group_by: this.#groupBy() }),
      ...(depth > 0 && this.#chance(0.6) && { routes: this.routes(depth - 1) }),
    };
  }

  #groupBy(): readonly string[] {
    if (this.#chance(0.2)) return ['...'];
    const names = NAMES.filter(() => this.#chance(0.5));
    // An empty list inherits in 0.25, and overrides since 0.31.
    return names.length === 0 ? ['a'] : names;
  }

  #matcher(): string {
    const operator = this.#oneOf(['=', '!=', '=~', '!~']);
    const value = this.#oneOf(operator.endsWith('~') ? PATTERNS : VALUES);
    const space = this.#oneOf(['', ' ']);
    const written = `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
    return `${this.#oneOf(NAMES)}${space}${operator}${space}${written}`;
  }

  #oneOf<Item>(items: readonly Item[]): Item {
    const item = items[this.#below(items.length)];
    if (item === undefined) throw new Error('nothing to choose from');
    return item;
  }

  #chance(probability: number): boolean {
    return this.#random.next() < probability;
  }

  #below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }
}
