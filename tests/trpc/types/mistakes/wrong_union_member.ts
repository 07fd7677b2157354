// TS2339
import { product } from '../product-client.js';

void product.alarms.rules.query().then(([rule]) => rule?.condition.kind === 'high' && rule.condition.nope);
