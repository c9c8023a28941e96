import { proposal } from 'quorate';

interface Request {
  readonly article: string;
}

export const headline = proposal<Request, string, string>({
  id: 'headline',
  proposers: ['bold', 'sober'],
  critic: 'editor',
  rounds: 3,
  acceptAt: 0.8,
  offerTtlMs: 60_000,
  deadlineMs: 30_000,
});
