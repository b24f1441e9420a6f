import { Button, Textarea } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useBlocker } from '@tanstack/react-router';
import { useState } from 'react';
import { sessionQuery } from '../api/queries.ts';
import { previewRule, ruleCheckQuery, ruleSourceQuery, saveRule } from '../api/rule-queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { RuleSourceAnswer } from '../api/wire.ts';
import { useSettled } from '../hooks/use-settled.ts';
import { CodeBlock } from './code-block.tsx';
import { ErrorText } from './error-text.tsx';
import { Panel } from './panel.tsx';
import { QueryView } from './query-view.tsx';
import styles from './rule-editor.module.css';
import { RulePreview } from './rule-preview.tsx';

export interface RuleEditorProps {
  readonly ruleKey: string;
  /** What a recording rule records can be queried: it has no preview. */
  readonly isAlert: boolean;
}

/** So long after the last letter a rule is checked. */
const checkAfterMs = 400;

/** A rule as it is written in its file; to be changed there, checked and tried before. */
export function RuleEditor({ ruleKey, isAlert }: RuleEditorProps) {
  const { client } = useServer();
  const query = useQuery(ruleSourceQuery(client, ruleKey));
  const [isEdited, setEdited] = useState(false);
  return (
    <Panel
      title="Source"
      actions={
        !isEdited && (
          <Button size="compact-xs" variant="default" onClick={() => setEdited(true)}>
            Edit
          </Button>
        )
      }
    >
      <QueryView query={query} placeholderLines={4}>
        {(answer) =>
          isEdited ? (
            <Editor
              key={answer.file_hash}
              {...{ ruleKey, isAlert, answer }}
              onClose={() => {
                setEdited(false);
                void query.refetch();
              }}
            />
          ) : (
            <CodeBlock label="Source of the rule" text={answer.source} />
          )
        }
      </QueryView>
    </Panel>
  );
}

interface EditorProps extends RuleEditorProps {
  readonly answer: RuleSourceAnswer;
  readonly onClose: () => void;
}

function Editor({ ruleKey, isAlert, answer, onClose }: EditorProps) {
  const { client } = useServer();
  const queries = useQueryClient();
  const [text, setText] = useState(answer.source);
  const isChanged = text !== answer.source;
  const settled = useSettled(text, checkAfterMs);
  const check = useQuery(ruleCheckQuery(client, ruleKey, settled));
  const problems = check.data?.problems ?? [];
  const isGood =
    settled === text && check.data !== undefined && !check.isPlaceholderData && problems.length === 0;
  const preview = useMutation({ mutationFn: () => previewRule(client, ruleKey, text) });
  const save = useMutation({
    mutationFn: () => saveRule(client, ruleKey, { source: text, fileHash: answer.file_hash }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['alerts'] });
      onClose();
    },
  });
  useBlocker({
    shouldBlockFn: () =>
      isChanged && !save.isSuccess && !globalThis.confirm('Leave without saving the rule?'),
    enableBeforeUnload: isChanged && !save.isSuccess,
  });
  const why = useWhyNotSaved(answer);
  const error = save.error ?? preview.error ?? check.error;
  return (
    <div className={styles.editor}>
      <Textarea
        className={styles.text ?? ''}
        aria-label="The rule as YAML"
        autosize
        minRows={6}
        maxRows={30}
        spellCheck={false}
        value={text}
        onChange={({ currentTarget: { value } }) => setText(value)}
      />
      {problems.length > 0 && (
        <ul className={styles.problems} aria-label="What is wrong" role="status">
          {problems.map(({ line, column, message }) => (
            <li key={`${line}:${column} ${message}`}>
              Line {line}, column {column}: {message}
            </li>
          ))}
        </ul>
      )}
      <div className={styles.buttons}>
        {isAlert && (
          <Button
            size="xs"
            variant="default"
            disabled={!isGood}
            loading={preview.isPending}
            onClick={() => preview.mutate()}
          >
            Preview
          </Button>
        )}
        {why === null ? (
          <Button
            size="xs"
            disabled={!isGood || !isChanged}
            loading={save.isPending}
            onClick={() => save.mutate()}
          >
            Save
          </Button>
        ) : (
          <Button size="xs" variant="default" onClick={() => void navigator.clipboard.writeText(text)}>
            Copy
          </Button>
        )}
        <Button size="xs" variant="subtle" onClick={onClose}>
          {isChanged ? 'Discard' : 'Close'}
        </Button>
        {isGood && isChanged && <span className={styles.soft}>Nothing wrong with it.</span>}
      </div>
      {why !== null && <p className={styles.soft}>It can’t be saved here: {why}.</p>}
      {error !== null && (
        <p className={styles.problems} role="alert">
          <ErrorText error={error} />
        </p>
      )}
      {preview.data !== undefined && <RulePreview answer={preview.data} />}
    </div>
  );
}

/** Why whoever looks can't save the rule; null where they can. */
function useWhyNotSaved({ why_not_writable: why }: RuleSourceAnswer): string | null {
  const { client } = useServer();
  const { data: session } = useQuery(sessionQuery(client));
  return session?.principal.role === 'admin' ? why : (why ?? 'that needs an admin');
}
