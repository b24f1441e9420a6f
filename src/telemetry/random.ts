/** The only source of chance; tests and simulations hand in a seeded one. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
}

export function createSystemRandom(): Random {
  return { next: () => Math.random() };
}

/** A small seeded generator (mulberry32): the same seed gives the same numbers on every machine. */
export function createSeededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
    },
  };
}
