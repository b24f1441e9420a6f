import styles from './code-block.module.css';

/** Text as a machine takes it, under a name for those who hear the page. */
export function CodeBlock({ label, text }: { readonly label: string; readonly text: string }) {
  return (
    <pre className={styles.code} tabIndex={0} aria-label={label}>
      {text}
    </pre>
  );
}
