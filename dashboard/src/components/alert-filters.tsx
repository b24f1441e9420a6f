import { TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useQuery } from '@tanstack/react-query';
import { useId, useState, type FormEvent } from 'react';
import { receiversQuery } from '../api/notification-queries.ts';
import { useServer } from '../api/server-context.tsx';
import {
  ACKNOWLEDGED_CHOICES,
  ALERT_STATE_CHOICES,
  SEVERITY_CHOICES,
  quotedForRegex,
  type AlertSearch,
} from '../domain/alert-filter.ts';
import styles from './alert-filters.module.css';
import { FilterChips } from './filter-chips.tsx';
import rows from './rows.module.css';

const SEEN = { any: 'seen or not', no: 'not acknowledged', yes: 'acknowledged' } as const;

/** Which alerts are shown; all of it is in the address. */
export function AlertFilters({ search }: { readonly search: AlertSearch }) {
  const { state = 'firing', severity = 'any', acknowledged = 'any' } = search;
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
      <div className={styles.fields} role="search" aria-label="By labels, receiver and agent">
        <ChoiceField
          name="match"
          label="Labels"
          placeholder={'pool_id="coders", severity=~"crit.*"'}
          taken={search.match}
        />
        <ReceiverField taken={search.receiver} />
        <ChoiceField name="agent" label="Agent" placeholder="agent: coder-1" taken={search.agent} />
      </div>
    </div>
  );
}

/** To whom they go; the receivers of the configuration are proposed. */
function ReceiverField({ taken }: { readonly taken: string | undefined }) {
  const { client } = useServer();
  const { data: receivers = [] } = useQuery(receiversQuery(client));
  const choices = receivers.map(({ name }) => quotedForRegex(name));
  return (
    <ChoiceField name="receiver" label="Receiver" placeholder="receiver: pager" {...{ taken, choices }} />
  );
}

interface ChoiceFieldProps {
  /** As the address calls it. */
  readonly name: 'match' | 'receiver' | 'agent';
  readonly label: string;
  readonly placeholder: string;
  /** What the address says. */
  readonly taken: string | undefined;
  readonly choices?: readonly string[];
}

/** A choice that is written; taken when it is left, or by Enter. */
function ChoiceField({ taken = '', ...props }: ChoiceFieldProps) {
  return <TypedChoice key={taken} taken={taken} {...props} />;
}

function TypedChoice({ name, label, placeholder, taken = '', choices = [] }: ChoiceFieldProps) {
  const navigate = useNavigate();
  const list = useId();
  const [typed, setTyped] = useState(taken);
  const take = (event?: FormEvent): void => {
    event?.preventDefault();
    const chosen = typed.trim() === '' ? undefined : typed.trim();
    if ((chosen ?? '') === taken) return;
    void navigate({
      to: '.',
      search: (before: object) => ({ ...before, [name]: chosen }),
      resetScroll: false,
    });
  };
  return (
    <form className={name === 'match' ? styles.match : styles.name} onSubmit={take}>
      <TextInput
        size="xs"
        aria-label={label}
        placeholder={placeholder}
        spellCheck={false}
        list={choices.length > 0 ? list : undefined}
        value={typed}
        onChange={({ currentTarget: { value } }) => setTyped(value)}
        onBlur={() => take()}
      />
      {choices.length > 0 && (
        <datalist id={list}>
          {choices.map((choice) => (
            <option key={choice} value={choice} />
          ))}
        </datalist>
      )}
    </form>
  );
}
