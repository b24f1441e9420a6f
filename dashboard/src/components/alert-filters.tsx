import { TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import {
  ACKNOWLEDGED_CHOICES,
  ALERT_STATE_CHOICES,
  SEVERITY_CHOICES,
  type AlertSearch,
} from '../domain/alert-filter.ts';
import styles from './alert-filters.module.css';
import { FilterChips } from './filter-chips.tsx';
import rows from './rows.module.css';

const SEEN = { any: 'seen or not', no: 'not acknowledged', yes: 'acknowledged' } as const;

/** Which alerts are shown; all of it is in the address. */
export function AlertFilters({ search }: { readonly search: AlertSearch }) {
  const { state = 'firing', severity = 'any', acknowledged = 'any', match = '' } = search;
  const severities = [...new Set([...SEVERITY_CHOICES, severity])];
  return (
    <div className={rows.filters}>
      <FilterChips
        label="In which state"
        choices={ALERT_STATE_CHOICES}
        chosen={state}
        name={(choice) => choice}
        searchOf={(choice) => ({ state: choice === 'firing' ? undefined : choice })}
      />
      <FilterChips
        label="Of which severity"
        choices={severities}
        chosen={severity}
        name={(choice) => (choice === 'any' ? 'any severity' : choice)}
        searchOf={(choice) => ({ severity: choice === 'any' ? undefined : choice })}
      />
      <FilterChips
        label="Acknowledged or not"
        choices={ACKNOWLEDGED_CHOICES}
        chosen={acknowledged}
        name={(choice) => SEEN[choice]}
        searchOf={(choice) => ({ acknowledged: choice === 'any' ? undefined : choice })}
      />
      <MatchField key={match} match={match} />
    </div>
  );
}

/** The labels that alerts have to have; taken when it is left, or by Enter. */
function MatchField({ match }: { readonly match: string }) {
  const navigate = useNavigate();
  const [typed, setTyped] = useState(match);
  const take = (event?: FormEvent): void => {
    event?.preventDefault();
    const chosen = typed.trim() === '' ? undefined : typed.trim();
    if ((chosen ?? '') === match) return;
    void navigate({
      to: '.',
      search: (before: object) => ({ ...before, match: chosen }),
      resetScroll: false,
    });
  };
  return (
    <form className={styles.match} onSubmit={take} role="search" aria-label="By labels">
      <TextInput
        size="xs"
        aria-label="Labels"
        placeholder={'pool_id="coders", severity=~"crit.*"'}
        spellCheck={false}
        value={typed}
        onChange={({ currentTarget: { value } }) => setTyped(value)}
        onBlur={() => take()}
      />
    </form>
  );
}
