import { TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import styles from './alert-filters.module.css';

/** A text that the rules shown have somewhere; taken when it is left, or by Enter. */
export function RuleTextFilter({ taken = '' }: { readonly taken?: string | undefined }) {
  const navigate = useNavigate();
  const [typed, setTyped] = useState(taken);
  const take = (event?: FormEvent): void => {
    event?.preventDefault();
    const text = typed.trim();
    if (text === taken) return;
    void navigate({
      to: '.',
      search: (before: object) => ({ ...before, text: text === '' ? undefined : text }),
      resetScroll: false,
    });
  };
  return (
    <form className={styles.match} role="search" aria-label="By text" onSubmit={take}>
      <TextInput
        size="xs"
        aria-label="Text"
        placeholder="name, expression, label, file"
        spellCheck={false}
        value={typed}
        onChange={({ currentTarget: { value } }) => setTyped(value)}
        onBlur={() => take()}
      />
    </form>
  );
}
