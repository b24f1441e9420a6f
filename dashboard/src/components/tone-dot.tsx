import type { Tone } from '../domain/tone.ts';
import styles from './tone-dot.module.css';

/** The colour of a state; always beside a text that says it too, and hidden from those who hear the page. */
export function ToneDot({ tone }: { readonly tone: Tone }) {
  return <span className={styles.dot} data-tone={tone} aria-hidden="true" />;
}

/** A state as a small label in its colour. */
export function ToneLabel({ tone, children }: { readonly tone: Tone; readonly children: string }) {
  return (
    <span className={styles.label} data-tone={tone}>
      {children}
    </span>
  );
}
