import type { Rule } from '../api/wire.ts';
import { count } from './count.ts';
import type { Tone } from './tone.ts';

/** How a rule stands, in a word and its tone. */
export function ruleStand({ health, state }: Pick<Rule, 'health' | 'state'>): {
  readonly text: string;
  readonly tone: Tone;
} {
  if (health === 'err') return { text: 'failing', tone: 'bad' };
  if (health === 'unknown') return { text: 'not evaluated yet', tone: 'busy' };
  switch (state) {
    case 'firing':
      return { text: 'firing', tone: 'caution' };
    case 'pending':
      return { text: 'pending', tone: 'busy' };
    case 'inactive':
      return { text: 'inactive', tone: 'gone' };
    case null:
      return { text: 'recording', tone: 'calm' };
  }
}

/** How many label sets fire and wait; empty where none does. */
export function activeText({ firing, pending }: Pick<Rule, 'firing' | 'pending'>): string {
  const parts = [
    ...(firing > 0 ? [`${count(firing, 'alert')} firing`] : []),
    ...(pending > 0 ? [`${pending} pending`] : []),
  ];
  return parts.join(', ');
}

/** A cost or a delay at a glance; a dash where there was none. */
export function millisecondsText(ms: number): string {
  if (ms === 0) return '–';
  if (ms < 10) return `${ms.toFixed(2)} ms`;
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 1000)} s`;
}
