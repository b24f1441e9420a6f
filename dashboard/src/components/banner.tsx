import type { ReactNode } from 'react';
import styles from './banner.module.css';
import { ToneLabel } from './tone-dot.tsx';

export interface BannerProps {
  /** One or two words: `paused`. */
  readonly label: string;
  /** For who does not see the place: `maintenance of pool demo`. */
  readonly name: string;
  readonly children: ReactNode;
  /** The way out; null where it ends by itself, or whoever is logged in may not end it. */
  readonly button: ReactNode;
}

/** What a person has to know before all else, why it is so, and the way out. */
export function Banner({ label, name, children, button }: BannerProps) {
  return (
    <div className={styles.banner} role="group" aria-label={name}>
      <ToneLabel tone="caution">{label}</ToneLabel>
      <p className={styles.why}>{children}</p>
      {button}
    </div>
  );
}
