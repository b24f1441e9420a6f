import type { ServerWarning } from '../api/wire.ts';
import { sentence } from '../domain/event-sentence.ts';
import { Banner } from './banner.tsx';

export interface ServerWarningsProps {
  readonly warnings: readonly ServerWarning[];
}

/** How the server is set up, and hardly meant so; nothing where there is nothing to say. */
export function ServerWarnings({ warnings }: ServerWarningsProps) {
  return warnings.map(({ key, message }) => (
    <Banner
      key={`${key} ${message}`}
      label="configuration"
      name={`warning about ${key || 'the configuration'}`}
      button={null}
    >
      {key !== '' && (
        <>
          <code>{key}</code>:{' '}
        </>
      )}
      {sentence(message)}
    </Banner>
  ));
}
