import { formatDuration } from './age.ts';
import { count } from './count.ts';
import { words } from './event-sentence.ts';
import type { Tone } from './tone.ts';

/** A policy as far as its telling depends on it. */
export interface ToldPolicy {
  readonly mode: string;
  readonly act_on: string | null;
  readonly match: readonly string[];
  readonly steps: readonly { readonly action: string; readonly verify_within_ms: number }[];
  readonly max_attempts: number;
  readonly guardian: string;
}

/** What a policy does, in a line: `restart (verified within 30s); 3 attempts, then operators`. */
export function describePolicy({ steps, max_attempts: attempts, guardian }: ToldPolicy): string {
  const told = steps.map(
    ({ action, verify_within_ms: withinMs }) =>
      `${words(action)} (verified within ${formatDuration(withinMs)})`,
  );
  return `${told.join(', then ')}; ${count(attempts, 'attempt')}, then ${guardian}`;
}

const MODES: Readonly<Record<string, { readonly text: string; readonly tone: Tone }>> = {
  act: { text: 'acts', tone: 'good' },
  approve: { text: 'asks first', tone: 'caution' },
  observe: { text: 'only observes', tone: 'gone' },
};

/** What a policy may do by itself; an unknown mode is shown as it is. */
export function describeMode({ mode, act_on: actOn }: Pick<ToldPolicy, 'mode' | 'act_on'>): {
  readonly text: string;
  readonly tone: Tone;
} {
  const told = MODES[mode] ?? { text: mode, tone: 'gone' };
  return mode === 'act' && actOn !== null ? { ...told, text: `acts on ${actOn}` } : told;
}
