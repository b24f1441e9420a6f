import { plainText } from '../domain/output-text.ts';
import styles from './output.module.css';

export interface OutputProps {
  readonly text: string | null;
  /** Whose it is. */
  readonly of: string;
  /** Whether it is unfolded from the start. */
  readonly isOpen?: boolean;
}

/** The end of what a process put out, folded until somebody wants to read it; nothing where there is none. */
export function Output({ text, of, isOpen = false }: OutputProps) {
  const shown = plainText(text ?? '').trimEnd();
  if (shown === '') return null;
  return (
    <details className={styles.output} open={isOpen}>
      <summary aria-label={`Last output of ${of}`}>Last output</summary>
      <pre tabIndex={0} aria-label={`End of the output of ${of}`} role="region">
        {shown}
      </pre>
    </details>
  );
}
