import styles from './kbd.module.css';

/** A key, or keys one after the other. */
export function Kbd({ children }: { readonly children: string }) {
  return <kbd className={styles.kbd}>{children}</kbd>;
}
