// TS18047
import { product } from '../product-client.js';

void product.alarms.active.query().then((alarms) => alarms.map((alarm) => alarm.value.toFixed(1)));
