import { saga } from 'quorate';

interface Trip {
  readonly from: string;
  readonly to: string;
}

export const booking = saga<Trip, { flight: string; hotel: string; mail: null }>({
  id: 'booking',
  steps: [
    { name: 'flight', agent: 'bookFlight', compensate: 'cancelFlight' },
    { name: 'hotel', agent: 'bookHotel', compensate: 'cancelHotel' },
    { name: 'mail', agent: 'sendMail' },
  ],
  compensationAttempts: 5,
  backoffMs: 2_000,
});
