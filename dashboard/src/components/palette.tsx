import { useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useId, useMemo, useState, type KeyboardEvent } from 'react';
import {
  findEntries,
  paletteEntries,
  type AskedOrder,
  type PaletteEntry,
  type Place,
} from '../domain/palette.ts';
import { usePaletteWorld } from '../hooks/use-palette-world.ts';
import { Dialog } from './dialog.tsx';
import { Kbd } from './kbd.tsx';
import { OrderQuestion } from './order-question.tsx';
import styles from './palette.module.css';

export interface PaletteProps {
  readonly onClose: () => void;
  readonly onHelp: () => void;
}

/** Finds a page, an agent, a pool, an alert, a repair, a task or an action by a few letters of it, or by its id. */
export function Palette({ onClose, onHelp }: PaletteProps) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const act = useAct({ onClose, onHelp, onOrder: setAsked });
  return (
    <Dialog name="Find" onClose={onClose}>
      {asked === null ? (
        <Search onChoose={act} />
      ) : (
        <OrderQuestion
          title={asked.title}
          order={asked.act.order}
          reason={asked.act.reason}
          isGrave={asked.act.isGrave ?? false}
          onBack={() => setAsked(null)}
          onDone={onClose}
        />
      )}
    </Dialog>
  );
}

interface Asked {
  readonly title: string;
  readonly act: AskedOrder;
}

interface ActOptions extends PaletteProps {
  readonly onOrder: (asked: Asked) => void;
}

function useAct({ onClose, onHelp, onOrder }: ActOptions): (entry: PaletteEntry) => void {
  const goTo = useGoTo();
  const { setColorScheme } = useMantineColorScheme();
  const isDark = useComputedColorScheme('light') === 'dark';
  return ({ title, act }) => {
    if (act.kind === 'order') return onOrder({ title, act });
    if (act.kind === 'help') return onHelp();
    onClose();
    if (act.kind === 'go') goTo(act.place);
    else if (act.kind === 'docs') window.open('/docs', '_blank', 'noreferrer');
    else setColorScheme(isDark ? 'light' : 'dark');
  };
}

function useGoTo(): (place: Place) => void {
  const navigate = useNavigate();
  return (place) => {
    const { to } = place;
    if (to === '/fleet/$agentId') void navigate({ to, params: place.params });
    else if (to === '/tasks/$taskId') void navigate({ to, params: place.params });
    else if (to === '/alerts/$alertId') void navigate({ to, params: place.params });
    else if (to === '/repairs/$remediationId') void navigate({ to, params: place.params });
    else void navigate({ to, search: place.pool === undefined ? {} : { pool: place.pool } });
  };
}

const maxShown = 40;

function Search({ onChoose }: { readonly onChoose: (entry: PaletteEntry) => void }) {
  const listId = useId();
  const world = usePaletteWorld();
  const [typed, setTyped] = useState('');
  const [at, setAt] = useState(0);
  const entries = useMemo(() => paletteEntries(world), [world]);
  const found = useMemo(() => findEntries(entries, typed, maxShown), [entries, typed]);
  const chosenAt = Math.min(at, Math.max(0, found.length - 1));
  const chosen = found[chosenAt];
  const optionId = (entry: PaletteEntry): string => `${listId} ${entry.id}`.replaceAll(/\s/g, '-');
  const chosenId = chosen && optionId(chosen);
  useEffect(() => {
    if (chosenId !== undefined) document.getElementById(chosenId)?.scrollIntoView({ block: 'nearest' });
  }, [chosenId]);
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = STEPS.get(event.key);
    if (step === undefined && event.key !== 'Enter') return;
    event.preventDefault();
    if (step !== undefined) setAt((chosenAt + step + found.length) % Math.max(1, found.length));
    else if (chosen) onChoose(chosen);
  };
  return (
    <>
      <input
        className={styles.input}
        type="text"
        role="combobox"
        aria-label="Find a page, an agent, an alert or an action"
        aria-expanded="true"
        aria-controls={listId}
        aria-activedescendant={chosenId}
        aria-autocomplete="list"
        placeholder="Find a page, an agent, an alert, an action…"
        autoComplete="off"
        spellCheck={false}
        autoFocus
        value={typed}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul className={styles.list} id={listId} role="listbox" aria-label="Found">
        {found.map((entry, index) => (
          <li
            key={entry.id}
            id={optionId(entry)}
            className={styles.entry}
            role="option"
            aria-selected={index === chosenAt}
            onClick={() => onChoose(entry)}
            onPointerMove={() => setAt(index)}
          >
            <span className={styles.group}>{entry.group}</span>
            <span className={styles.title}>{entry.title}</span>
            <span className={styles.hint}>{entry.hint}</span>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className={styles.nothing}>Nothing is called so.</p>}
      <p className="visually-hidden" role="status">
        {found.length === 0 ? 'Nothing found' : `${found.length} found`}
      </p>
      <p className={styles.foot} aria-hidden="true">
        <Kbd>↑</Kbd> <Kbd>↓</Kbd> choose <Kbd>Enter</Kbd> open <Kbd>Esc</Kbd> close
      </p>
    </>
  );
}

const STEPS: ReadonlyMap<string, number> = new Map([
  ['ArrowDown', 1],
  ['ArrowUp', -1],
]);
