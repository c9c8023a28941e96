// report.md: what a person reads. First what matters, then what to do, then every place, then what was left out.
import { basename } from 'node:path';
import { weightOf } from '../lib/planning.ts';
import { REVIEWERS, SEVERITIES, type WorkItem } from '../protocol.ts';
import { code, duration, link, plain, plural, table } from './markdown-text.ts';
import type { Report } from './schema.ts';

const ITEMS_SHOWN = 10;
const FILES_SHOWN_AN_ITEM = 5;
const FILES_SHOWN = 100;
const FINDINGS_SHOWN_A_FILE = 25;
const SKIPPED_SHOWN = 10;

/** Where a reviewed file lies as seen from the report; undefined when it cannot be linked to. */
export type LinkTo = (file: string) => string | undefined;

export function toMarkdown(report: Report, linkTo: LinkTo): string {
  return [
    `# Review of ${plain(basename(report.folder))}`,
    '',
    summary(report),
    '',
    ...overview(report),
    '',
    ...whatToDo(report, linkTo),
    ...findingsByFile(report, linkTo),
    ...leftOut(report),
    `The same as data: ${link('report.json', 'report.json')}; the plan alone: ${link('plan.json', 'plan.json')}.`,
    '',
  ].join('\n');
}

function summary({ findings, files, plan }: Report): string {
  const { high } = findings.bySeverity;
  if (findings.total === 0) return `**Nothing to complain about** in ${plural(files.reviewed, 'file')}.`;
  const first = plan.items[0];
  const lead = `**${plural(findings.total, 'finding')} in ${plural(files.reviewed, 'file')}, ${high} of high severity.**`;
  return first === undefined ? lead : `${lead} Start with: ${plain(first.title)}.`;
}

function overview(report: Report): string[] {
  const { findings, replies, model, files } = report;
  const { high, medium, low } = findings.bySeverity;
  const time = Date.parse(report.finishedAt) - Date.parse(report.startedAt);
  const waited = replies.policy === 'all' ? 'for all' : `at most ${duration(replies.policy)}`;
  const tokens = model.promptTokens + model.completionTokens;
  return table(
    ['', ''],
    [
      ['Folder', code(report.folder)],
      [
        'Files',
        `${files.reviewed} reviewed, ${files.skipped.length} left out, ${Math.ceil(files.bytes / 1_000)} KB read`,
      ],
      [
        'Reviewers',
        REVIEWERS.map(
          (agent) => `${agent} ${findings.list.filter((one) => one.agent === agent).length}`,
        ).join(', '),
      ],
      ['Findings', `${high} high, ${medium} medium, ${low} low`],
      [
        'Answers',
        `${replies.ok} of ${replies.total}, ${replies.failed} failed, ${replies.missing} missing (waited ${waited})`,
      ],
      ['Duplicates dropped', `${replies.duplicates} answers, ${findings.merged} findings`],
      ['Attempts repeated', `${report.repeatedAttempts}`],
      [
        'Model',
        model.calls === 0
          ? 'none: planned by rules'
          : `${plural(model.calls, 'call')}, ${tokens.toLocaleString('en')} tokens`,
      ],
      ['Time', `${duration(time)}, from ${report.startedAt}`],
    ],
  );
}

function whatToDo({ plan }: Report, linkTo: LinkTo): string[] {
  if (plan.items.length === 0) return [];
  const shown = plan.items.slice(0, ITEMS_SHOWN);
  const rounds = `${plan.planner} in ${plural(plan.rounds, 'round')}, score ${plan.score}`;
  const verdict = plan.accepted ? 'accepted by the critic' : 'the best when the rounds ran out';
  const more = plan.items.length - shown.length;
  return [
    '## What to do first',
    '',
    ...table(
      ['#', 'Work', 'Severity', 'Findings', 'Files', 'Effort'],
      shown.map((item) => [
        `${item.rank}`,
        plain(item.title),
        item.severity,
        `${item.findings}`,
        `${item.files.length}`,
        item.effort,
      ]),
    ),
    '',
    ...shown.flatMap((item) => workItem(item, linkTo)),
    ...(more > 0 ? [`${plural(more, 'more item')} in ${link('plan.json', 'plan.json')}.`, ''] : []),
    `Planned ${rounds}: ${verdict}. S is up to an hour, M up to half a day, L more.`,
    '',
    ...plan.refused.map(
      (one) => `- round ${one.round}: ${one.proposer} was best and refused with ${one.score}`,
    ),
    ...plan.objections.map((text) => `- still objected to: ${plain(text)}`),
    '',
  ];
}

function workItem(item: WorkItem, linkTo: LinkTo): string[] {
  const named = item.files.slice(0, FILES_SHOWN_AN_ITEM).map((file) => link(code(file), linkTo(file)));
  const more = item.files.length - named.length;
  const where = more > 0 ? [...named, `and ${more} more`] : named;
  return [`${item.rank}. **${plain(item.title)}.** ${plain(item.why)}`, `   In ${where.join(', ')}.`, ''];
}

function findingsByFile({ findings }: Report, linkTo: LinkTo): string[] {
  if (findings.total === 0) return [];
  const files = [...Map.groupBy(findings.list, (finding) => finding.file)];
  files.sort(([a, inA], [b, inB]) => weightOf(inB) - weightOf(inA) || (a < b ? -1 : 1));
  const rank = (severity: (typeof SEVERITIES)[number]): number => SEVERITIES.indexOf(severity);
  const lines = files.slice(0, FILES_SHOWN).flatMap(([file, list]) => {
    const sorted = list.toSorted((a, b) => rank(a.severity) - rank(b.severity) || a.line - b.line);
    const more = list.length - FINDINGS_SHOWN_A_FILE;
    return [
      `### ${link(code(file), linkTo(file))}`,
      '',
      ...sorted.slice(0, FINDINGS_SHOWN_A_FILE).map((finding) => {
        const place = `**${finding.severity}** line ${finding.line}, ${code(finding.rule)}`;
        const excerpt = finding.excerpt === undefined ? '' : `: ${code(finding.excerpt)}`;
        return `- ${place}: ${plain(finding.message)}${excerpt}`;
      }),
      ...(more > 0 ? [`- and ${more} more in report.json`] : []),
      '',
    ];
  });
  const hidden = files.length - FILES_SHOWN;
  const rest = hidden > 0 ? [`${plural(hidden, 'more file')} with findings in report.json.`, ''] : [];
  return ['## Findings by file', '', ...lines, ...rest];
}

function leftOut({ files, replies }: Report): string[] {
  const reasons = [...Map.groupBy(files.skipped, (one) => one.why)];
  reasons.sort(([, a], [, b]) => b.length - a.length);
  const rows = reasons.map(([why, list]) => {
    const named = list.slice(0, SKIPPED_SHOWN).map((one) => code(one.path));
    const more = list.length - named.length;
    return [
      plain(why),
      `${list.length}`,
      more > 0 ? `${named.join(', ')} and ${more} more` : named.join(', '),
    ];
  });
  const failed = replies.errors.map(
    (error) => `- ${error.agent}, task ${error.index}: ${code(error.code)} ${plain(error.message)}`,
  );
  return [
    ...(rows.length > 0 ? ['## What was left out', '', ...table(['Why', 'Files', 'Which'], rows), ''] : []),
    ...(failed.length > 0 ? ['## Tasks that failed', '', ...failed, ''] : []),
  ];
}
