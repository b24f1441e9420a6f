import type { Random } from '#telemetry';

/** Whose rules have been the same for years: here they come from Node.js, there from the machine, and both may be old. */
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Pacific/Chatham',
  'Pacific/Kiritimati',
  'America/Los_Angeles',
  'Africa/Johannesburg',
];
const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const DAY_MINUTES = 24 * 60;

/** An entry of `time_intervals` as it stands in a file. */
export type WrittenInterval = Readonly<Record<string, unknown>>;

/** Random intervals about a time: some are around it, some are not, many begin or end near it. */
export class IntervalGenerator {
  readonly #random: Random;
  readonly #now: Date;

  constructor(random: Random, nowMs: number) {
    this.#random = random;
    this.#now = new Date(nowMs);
  }

  interval(): WrittenInterval {
    return {
      ...(this.#chance(0.6) && { times: this.#some(() => this.#times()) }),
      ...(this.#chance(0.3) && { weekdays: this.#some(() => this.#weekdays()) }),
      ...(this.#chance(0.4) && { days_of_month: this.#some(() => this.#days()) }),
      ...(this.#chance(0.3) && { months: this.#some(() => this.#range(1, 12, this.#now.getUTCMonth() + 1)) }),
      ...(this.#chance(0.2) && {
        years: this.#some(() => this.#range(2000, 2100, this.#now.getUTCFullYear())),
      }),
      ...(this.#chance(0.7) && { location: this.#oneOf(ZONES) }),
    };
  }

  #times(): { start_time: string; end_time: string } {
    const [from = 0, to = 0] = [this.#below(DAY_MINUTES), this.#below(DAY_MINUTES)].sort((a, b) => a - b);
    return { start_time: clock(from), end_time: clock(to === from ? to + 1 : to) };
  }

  #weekdays(): string {
    const [from = 0, to = 0] = [this.#below(7), this.#below(7)].sort((a, b) => a - b);
    return `${WEEKDAYS[from] ?? ''}:${WEEKDAYS[to] ?? ''}`;
  }

  /** From the beginning or the end of the month; what could be the wrong way around in February is refused. */
  #days(): string {
    const day = this.#now.getUTCDate();
    if (this.#chance(0.4)) return this.#range(1, 31, day);
    const from = -(1 + this.#below(27));
    const to = from + this.#below(-from);
    return this.#chance(0.5) ? `${from}:${to}` : String(from);
  }

  /** A range of whole numbers, one end of which is often near one of them. */
  #range(min: number, max: number, near: number): string {
    const ends = [this.#near(min, max, near), this.#near(min, max, near)].sort((a, b) => a - b);
    return ends[0] === ends[1] ? String(ends[0]) : ends.join(':');
  }

  #near(min: number, max: number, near: number): number {
    const value = this.#chance(0.5) ? near - 1 + this.#below(3) : min + this.#below(max - min + 1);
    return Math.min(max, Math.max(min, value));
  }

  #some<Item>(item: () => Item): readonly Item[] {
    return Array.from({ length: 1 + this.#below(2) }, item);
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

function clock(minutes: number): string {
  return [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':');
}
