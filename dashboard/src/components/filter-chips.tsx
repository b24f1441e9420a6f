import { Link } from '@tanstack/react-router';
import styles from './filter-chips.module.css';

export interface FilterChipsProps<Choice extends string> {
  /** What is chosen, for who hears the page. */
  readonly label: string;
  readonly choices: readonly Choice[];
  readonly chosen: Choice;
  /** How a choice is called. */
  readonly name: (choice: Choice) => string;
  /** What the address says where it is chosen. */
  readonly searchOf: (choice: Choice) => Readonly<Record<string, string | undefined>>;
}

/** One choice of several, kept in the address. */
export function FilterChips<Choice extends string>(props: FilterChipsProps<Choice>) {
  const { label, choices, chosen, name, searchOf } = props;
  return (
    <nav className={styles.chips} aria-label={label}>
      {choices.map((choice) => (
        <Link
          key={choice}
          className={styles.chip}
          to="."
          search={(before: object) => ({ ...before, ...searchOf(choice) })}
          resetScroll={false}
          activeOptions={{ exact: true }}
          data-chosen={choice === chosen}
        >
          {name(choice)}
        </Link>
      ))}
    </nav>
  );
}
