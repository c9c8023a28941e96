// The keeper of standing orders as an actor: there is one, for all processes of a deployment.
import { controlMachine } from '../machine.ts';
import { reduceOrders } from './orders.ts';

export const orders = controlMachine('orders', reduceOrders);
