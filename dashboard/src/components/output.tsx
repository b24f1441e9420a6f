import styles from './output.module.css';

export interface OutputProps {
  readonly text: string | null;
  /** Whose it is. */
  readonly of: string;
}

/** The end of what a process put out, folded until somebody wants to read it; nothing where there is none. */
export function Output({ text, of }: OutputProps) {
  const shown = text?.trimEnd() ?? '';
  if (shown === '') return null;
  return (
    <details className={styles.output}>
      <summary aria-label={`Last output of ${of}`}>Last output</summary>
      <pre>{shown}</pre>
    </details>
  );
}
