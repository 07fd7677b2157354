// TS2820
import { product } from '../product-client.js';

void product.alarms.journal.query({ kinds: ['acknowleged'] });
