import { useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { silencesQuery } from '../api/notification-queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { Silence } from '../api/wire.ts';
import { AlertPlaces } from '../components/alert-places.tsx';
import { EditSilenceDialog } from '../components/edit-silence-dialog.tsx';
import { FilterChips } from '../components/filter-chips.tsx';
import { More } from '../components/more.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { Panel } from '../components/panel.tsx';
import { Nothing, QueryView } from '../components/query-view.tsx';
import rows from '../components/rows.module.css';
import { SilenceForm } from '../components/silence-dialog.tsx';
import { editTitle, ExtendDialog, SilenceRows, type ChosenSilence } from '../components/silence-rows.tsx';
import type { SilenceSubject } from '../domain/new-silence.ts';
import { SILENCE_CHOICES, SILENCE_NAMES } from '../domain/silence-text.ts';
import { useMayHandle } from '../hooks/use-may-handle.ts';
import { usePageSize } from '../hooks/use-page-size.ts';
import styles from './columns.module.css';

const ANY: SilenceSubject = { kind: 'matchers', matchers: [] };

/** For which alerts nobody is told, until when and why. */
export function SilencesPage() {
  const { client } = useServer();
  const { show = 'live' } = useSearch({ from: '/inside/alerts/silences' });
  const mayHandle = useMayHandle();
  const size = usePageSize(50);
  const query = useQuery(silencesQuery(client, show, size.rows));
  const [extended, setExtended] = useState<ChosenSilence | null>(null);
  const [edited, setEdited] = useState<Silence | null>(null);
  return (
    <>
      <PageTitle>Silences</PageTitle>
      {extended !== null && <ExtendDialog chosen={extended} onClose={() => setExtended(null)} />}
      {edited !== null && (
        <EditSilenceDialog silence={edited} title={editTitle(edited)} onClose={() => setEdited(null)} />
      )}
      <AlertPlaces />
      <div className={styles.columns}>
        <div className={styles.column}>
          <Panel title="Silences">
            <div className={rows.filters}>
              <FilterChips
                label="Which silences"
                choices={SILENCE_CHOICES}
                chosen={show}
                name={(choice) => SILENCE_NAMES[choice]}
                searchOf={(choice) => ({ show: choice === 'live' ? undefined : choice })}
              />
            </div>
            <QueryView query={query} placeholderLines={4}>
              {({ silences, isWhole }) => (
                <>
                  {silences.length === 0 ? (
                    <Nothing>
                      {show === 'live'
                        ? 'Nothing is silenced: people are told of all that fires.'
                        : 'There is none of these.'}
                    </Nothing>
                  ) : (
                    <SilenceRows {...{ silences, mayHandle }} onExtend={setExtended} onEdit={setEdited} />
                  )}
                  {!isWhole && (
                    <More shown={silences.length} total={null} what="silences" onMore={size.more} />
                  )}
                </>
              )}
            </QueryView>
          </Panel>
        </div>
        <div className={styles.column}>
          <Panel title="New silence">
            {mayHandle ? (
              <SilenceForm subject={ANY} />
            ) : (
              <Nothing>An operator may set, edit, extend and end silences; you may look.</Nothing>
            )}
          </Panel>
        </div>
      </div>
    </>
  );
}
