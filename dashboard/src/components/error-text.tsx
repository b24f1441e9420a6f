import { ApiError } from '../api/client.ts';
import { sentence } from '../domain/event-sentence.ts';

/** What went wrong, as the server says it, and the way to where it says what to do about it. */
export function ErrorText({ error }: { readonly error: Error }) {
  const docs = error instanceof ApiError ? error.docs : null;
  return (
    <>
      {sentence(error.message)}
      {docs !== null && (
        <>
          {' '}
          <ErrorDocsLink docs={docs} />
        </>
      )}
    </>
  );
}

/** Leads to the explanation of an error, beside the page: what was typed there is kept. */
export function ErrorDocsLink({ docs }: { readonly docs: string }) {
  const [, code = ''] = docs.split('#');
  return (
    <a href={docs} target="_blank" rel="noreferrer" aria-label={`What to do about ${code || 'it'}`}>
      What to do
    </a>
  );
}
