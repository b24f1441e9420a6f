import { useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { rulesQuery } from '../api/rule-queries.ts';
import { useServer } from '../api/server-context.tsx';
import { AlertPlaces } from '../components/alert-places.tsx';
import { FilterChips } from '../components/filter-chips.tsx';
import { More } from '../components/more.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { Panel } from '../components/panel.tsx';
import { Nothing, QueryView } from '../components/query-view.tsx';
import rows from '../components/rows.module.css';
import { RuleRows } from '../components/rule-rows.tsx';
import { RuleTextFilter } from '../components/rule-text-filter.tsx';
import { count, number } from '../domain/count.ts';
import { RULE_CHOICES, RULE_ORDERS, type RuleChoice } from '../domain/rule-filter.ts';
import { usePageSize } from '../hooks/use-page-size.ts';

const ORDER_NAMES = { place: 'as in their files', cost: 'dearest first', delay: 'latest first' } as const;

/** The rules that are loaded: which fire, what they cost, which can't be evaluated. */
export function RulesPage() {
  const { client } = useServer();
  const search = useSearch({ from: '/inside/alerts/rules' });
  const { show = 'all', sort = 'place', text } = search;
  const size = usePageSize(100);
  const query = useQuery(rulesQuery(client, search, size.rows));
  const counts = query.data?.counts;
  const isFiltered = show !== 'all' || text !== undefined;
  return (
    <>
      <PageTitle note={counts && `${count(counts.all, 'rule')}, ${number(counts.firing)} firing`}>
        Rules
      </PageTitle>
      <AlertPlaces />
      <Panel title="Rules">
        <div className={rows.filters}>
          <FilterChips
            label="Which rules"
            choices={RULE_CHOICES}
            chosen={show}
            name={(choice) => named(choice, counts)}
            searchOf={(choice) => ({ show: choice === 'all' ? undefined : choice })}
          />
          <FilterChips
            label="In which order"
            choices={RULE_ORDERS}
            chosen={sort}
            name={(order) => ORDER_NAMES[order]}
            searchOf={(order) => ({ sort: order === 'place' ? undefined : order })}
          />
          <RuleTextFilter key={text} taken={text} />
        </div>
        <QueryView query={query} placeholderLines={8}>
          {({ rules, isWhole }) => (
            <>
              {rules.length === 0 ? (
                <Nothing>
                  {isFiltered
                    ? 'There is none of these.'
                    : 'No rule is loaded: alerting.rule_files of the configuration names files of them.'}
                </Nothing>
              ) : (
                <RuleRows rules={rules} />
              )}
              {!isWhole && (
                <More
                  shown={rules.length}
                  total={isFiltered ? null : (counts?.all ?? null)}
                  what="rules"
                  onMore={size.more}
                />
              )}
            </>
          )}
        </QueryView>
      </Panel>
    </>
  );
}

/** A choice with how many rules it has, where that is known. */
function named(choice: RuleChoice, counts: Readonly<Record<string, number>> | undefined): string {
  const many = counts?.[choice];
  return choice === 'all' || many === undefined || many === 0 ? choice : `${choice} ${number(many)}`;
}
