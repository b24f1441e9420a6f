import { Button, Code, PasswordInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRouter, useSearch } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { sessionQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import { ErrorDocsLink, ErrorText } from '../components/error-text.tsx';
import { Mark } from '../components/mark.tsx';
import styles from './login.module.css';

/** For who has no session: how to get one, and a place for a token. */
export function LoginPage() {
  const { client } = useServer();
  const queries = useQueryClient();
  const router = useRouter();
  const { error, next = '/' } = useSearch({ from: '/login' });
  const [token, setToken] = useState('');
  const logIn = useMutation({
    mutationFn: () => client.logIn(token.trim()),
    onSuccess: (session) => {
      queries.setQueryData(sessionQuery(client).queryKey, session);
      router.history.push(next);
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    logIn.mutate();
  };
  return (
    <main className={styles.page}>
      <div className={styles.card}>
        <Mark size={36} />
        <h1 className={styles.title}>Log in to Omoi</h1>
        {error !== undefined && (
          <p className={styles.notice} role="alert">
            {error === 'login_link_invalid' ? (
              <>
                That login link has been used or is too old.{' '}
                <ErrorDocsLink docs="/docs/errors#login_link_invalid" />
              </>
            ) : (
              'Logging in did not work.'
            )}
          </p>
        )}
        <p className={styles.text}>On the machine where Omoi runs, this prints a link that logs you in:</p>
        <Code block>omoi token login</Code>
        <p className={styles.text}>Or paste a token of role viewer, operator or admin:</p>
        <form onSubmit={submit} className={styles.form}>
          <PasswordInput
            label="Token"
            placeholder="omoi_viewer_…"
            autoComplete="current-password"
            value={token}
            onChange={(event) => setToken(event.currentTarget.value)}
            error={logIn.error && <ErrorText error={logIn.error} />}
          />
          <Button type="submit" loading={logIn.isPending} disabled={token.trim() === ''}>
            Log in
          </Button>
        </form>
      </div>
    </main>
  );
}
