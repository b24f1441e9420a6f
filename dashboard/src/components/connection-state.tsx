import type { LiveState } from '../api/live.ts';
import type { Tone } from '../domain/tone.ts';
import { useLiveState } from '../hooks/use-live-state.ts';
import styles from './connection-state.module.css';
import { ToneDot } from './tone-dot.tsx';

const TOLD: Readonly<Record<LiveState, { readonly text: string; readonly tone: Tone }>> = {
  connecting: { text: 'Connecting', tone: 'busy' },
  live: { text: 'Live', tone: 'good' },
  reconnecting: { text: 'Reconnecting', tone: 'caution' },
  ended: { text: 'Not live', tone: 'gone' },
};

/** Whether what the page shows is what is. */
export function ConnectionState() {
  const { text, tone } = TOLD[useLiveState()];
  return (
    <span className={styles.state} role="status" data-live={text}>
      <ToneDot tone={tone} />
      {text}
    </span>
  );
}
