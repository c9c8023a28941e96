import { quorum, scatterGather } from 'quorate';

interface Page {
  readonly url: string;
}

interface Summary {
  readonly text: string;
}

// Every page to both agents; three good answers are enough.
export const summaries = scatterGather<Page, Summary>({
  id: 'summaries',
  agents: ['summarize', 'skim'],
  policy: quorum(3),
});
