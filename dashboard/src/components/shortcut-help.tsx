import { Kbd } from './kbd.tsx';
import { Dialog } from './dialog.tsx';
import styles from './shortcut-help.module.css';
import { SHORTCUT_HELP } from '../domain/shortcuts.ts';

/** The keys and what they do. */
export function ShortcutHelp({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog name="Keys" onClose={onClose}>
      <div className={styles.help}>
        <h2 className={styles.title}>Keys</h2>
        <dl className={styles.keys}>
          {SHORTCUT_HELP.map(([keys, what]) => (
            <div key={what}>
              <dt>
                {keys.map((key) => (
                  <Kbd key={key}>{key}</Kbd>
                ))}
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
        <p className={styles.note}>They do nothing while you type or a dialog is open.</p>
      </div>
    </Dialog>
  );
}
