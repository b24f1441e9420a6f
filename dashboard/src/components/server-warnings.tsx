import { Link } from '@tanstack/react-router';
import type { ServerWarning } from '../api/wire.ts';
import { sentence } from '../domain/event-sentence.ts';
import { QUEUE } from '../domain/task-warnings.ts';
import { Banner } from './banner.tsx';

export interface ServerWarningsProps {
  readonly warnings: readonly ServerWarning[];
  /** Whether a warning of tasks leads to them: on their own page it does not. */
  readonly leadsToTasks?: boolean;
}

/** What hardly is meant so, of how the server is set up or of tasks that wait; nothing where there is nothing to say. */
export function ServerWarnings({ warnings, leadsToTasks = false }: ServerWarningsProps) {
  return warnings.map(({ key, message }) => (
    <Banner
      key={`${key} ${message}`}
      label={key === QUEUE ? 'tasks wait' : 'configuration'}
      name={`warning about ${key || 'the configuration'}`}
      button={leadsToTasks && key === QUEUE ? <Link to="/tasks">Look at them</Link> : null}
    >
      {key !== '' && key !== QUEUE && (
        <>
          <code>{key}</code>:{' '}
        </>
      )}
      {sentence(message)}
    </Banner>
  ));
}
