import type { ServerWarning } from '../api/wire.ts';
import { sentence } from '../domain/event-sentence.ts';
import { Banner } from './banner.tsx';

/** The key of what is said of the queue, and not of the configuration. */
const QUEUE = 'tasks';

/** Those of them that are about tasks. */
export function warningsOfTasks(warnings: readonly ServerWarning[]): readonly ServerWarning[] {
  return warnings.filter(({ key }) => key === QUEUE);
}

export interface ServerWarningsProps {
  readonly warnings: readonly ServerWarning[];
}

/** What hardly is meant so, of how the server is set up or of tasks that wait; nothing where there is nothing to say. */
export function ServerWarnings({ warnings }: ServerWarningsProps) {
  return warnings.map(({ key, message }) => (
    <Banner
      key={`${key} ${message}`}
      label={key === QUEUE ? 'tasks wait' : 'configuration'}
      name={`warning about ${key || 'the configuration'}`}
      button={null}
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
