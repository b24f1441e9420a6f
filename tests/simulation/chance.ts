import type { Random } from '#telemetry';

/** A whole number in [min, max]. */
export function between(random: Random, min: number, max: number): number {
  return min + Math.floor(random.next() * (max - min + 1));
}

export function happens(random: Random, probability: number): boolean {
  return random.next() < probability;
}

/** One of the items; undefined where there is none. */
export function oneOf<Item>(random: Random, items: readonly Item[]): Item | undefined {
  return items[Math.floor(random.next() * items.length)];
}

/** One of the keys, each as likely as its weight says. */
export function weighted<Key extends string>(
  random: Random,
  weights: Readonly<Partial<Record<Key, number>>>,
): Key | undefined {
  // The keys of an object literal that is typed so.
  const entries = Object.entries(weights) as [Key, number][];
  let left = random.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [key, weight] of entries) {
    left -= weight;
    if (left < 0) return key;
  }
  return entries.at(-1)?.[0];
}
